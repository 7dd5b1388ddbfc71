"""Commands on what must be there before the first order: the ledger's schema and users, and the topics."""

from typing import Annotated

import typer

from settlement.commands import clear_errors, open_engine
from settlement.roles import Role
from settlement.settings import settings


def migrate(
    dry_run: Annotated[bool, typer.Option(help="Only say which steps would run.")] = False,
) -> None:
    """Bring the ledger's schema to the newest step."""
    from settlement.migrate import migrate as run_migrations
    from settlement.migrate import pending_migrations

    with open_engine() as engine:
        pending = pending_migrations(engine)
        for step in pending:
            typer.echo(f"{'would run' if dry_run else 'running'} {step}")
        if not dry_run:
            run_migrations(engine)
    if not (pending and dry_run):
        typer.echo("the ledger's schema is up to date")


def grant(
    role: Annotated[Role, typer.Argument(help="Whose rights.")],
    user: Annotated[str, typer.Argument(help="Who gets them; the user is made if there is none.")],
    password: Annotated[str, typer.Option(envvar="KIWI_GRANT_PASSWORD", prompt=True, hide_input=True)],
) -> None:
    """Give a database user the rights of a role; KIWI_DATABASE_URL must be an administrator's. Migrate first."""
    from settlement.roles import grant_role

    with open_engine() as engine:
        grant_role(engine, str(engine.url.database), role, user, password)
    typer.echo(f"{user} has the rights of the role {role}")


def topic() -> None:
    """Create the topics where they lack, and verify the orders' one."""
    from settlement.topic import ensure_topics

    with clear_errors():
        info = ensure_topics(settings())
    typer.echo(f"topic {settings().topic}: {info.partitions} partitions, id {info.topic_id}")
