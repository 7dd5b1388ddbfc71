"""Where a person looks at the running stack, and how they log in."""

from collections.abc import Iterator

from local.airflow import airflow_url
from local.airflow_home import USER, AirflowHome
from local.home import shown_path
from local.stack import Stack


def address_lines(stack: Stack, *, with_password: bool) -> Iterator[str]:
    """Return a line an address.

    Args:
        stack: a running one.
        with_password: show the password itself, not only where it stands.
    """
    yield f"API        http://{stack.home.address('api')}"
    if stack.settings.airflow:
        state, url = AirflowHome(stack.home), airflow_url(stack.home)
        yield f"Airflow    {url}"
        yield f"live page  {url}/plugin/kiwi"
        file = shown_path(state.password_file)
        yield f"log in as  {USER}, password " + (
            f"{state.password} (kept in {file})" if with_password else f"in {file}"
        )
