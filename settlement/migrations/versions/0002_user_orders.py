"""Orders by user in buckets instead of an index on every result; when the oldest and the newest order was accepted."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    # `orders` is a JSON list of [user_id, order id]; see settlement/user_orders.py.
    """
    CREATE TABLE user_orders (
        bucket SMALLINT UNSIGNED NOT NULL,
        batch INT UNSIGNED NOT NULL,
        orders MEDIUMTEXT CHARACTER SET ascii NOT NULL,
        PRIMARY KEY (bucket, batch)
    )
    """,
    "SET SESSION group_concat_max_len = 16777215",
    """
    INSERT INTO user_orders
    SELECT user_id % 4096, batch, CONCAT('[', GROUP_CONCAT('[', user_id, ',', id, ']' ORDER BY id), ']')
    FROM result WHERE user_id IS NOT NULL GROUP BY user_id % 4096, batch
    """,
    "ALTER TABLE result DROP KEY result_by_user",
    # Kafka's timestamps, epoch milliseconds; NULL for batches from before this step.
    "ALTER TABLE batch ADD oldest_ms BIGINT, ADD newest_ms BIGINT",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("the ledger is never dropped by a migration; restore a backup instead")
