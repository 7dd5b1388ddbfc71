"""The ledger: the original's two tables, and what makes each batch atomic, replayable and auditable."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    # The original's columns are the first five of `commodity` and of `result`.
    """
    CREATE TABLE commodity (
        id BIGINT PRIMARY KEY,
        name VARCHAR(255) NOT NULL,
        price DECIMAL(11, 2) NOT NULL CHECK (price BETWEEN 0 AND 100000000),
        currency CHAR(3) CHARACTER SET ascii NOT NULL CHECK (currency IN ('CNY', 'USD', 'JPY', 'EUR')),
        inventory BIGINT NOT NULL CHECK (inventory >= 0)
    )
    """,
    # A malformed message has no user and no initiator, yet it has a result. No CHECK here: one costs 2 us a row.
    """
    CREATE TABLE result (
        id BIGINT PRIMARY KEY,
        user_id BIGINT,
        initiator CHAR(3) CHARACTER SET ascii,
        success BOOLEAN NOT NULL,
        paid DECIMAL(20, 2) NOT NULL,
        reason ENUM('malformed', 'unknown_commodity', 'insufficient_stock', 'amount_too_large',
                    'duplicate', 'key_reused'),
        duplicate_of BIGINT,
        batch INT UNSIGNED NOT NULL,
        KEY result_by_user (user_id, id)
    )
    """,
    """
    CREATE TABLE head (
        id TINYINT PRIMARY KEY CHECK (id = 1),
        batch INT UNSIGNED NOT NULL,
        fencing_token BIGINT NOT NULL,
        catalogue_version INT UNSIGNED NOT NULL,
        topic_id VARCHAR(64) CHARACTER SET ascii,
        orders BIGINT NOT NULL,
        amount_cny DECIMAL(38, 8) NOT NULL
    )
    """,
    "INSERT INTO head VALUES (1, 0, 0, 0, NULL, 0, 0)",
    """
    CREATE TABLE total (
        initiator CHAR(3) CHARACTER SET ascii PRIMARY KEY,
        paid DECIMAL(36, 2) NOT NULL,
        orders BIGINT NOT NULL
    )
    """,
    "INSERT INTO total VALUES ('CNY', 0, 0), ('USD', 0, 0), ('JPY', 0, 0), ('EUR', 0, 0)",
    """
    CREATE TABLE log_position (
        partition_id INT PRIMARY KEY,
        next_offset BIGINT NOT NULL
    )
    """,
    # `paid_*` are sums over the batch's successes; `amount_cny` is their value at the batch's rates.
    """
    CREATE TABLE batch (
        number INT UNSIGNED PRIMARY KEY,
        fencing_token BIGINT NOT NULL,
        catalogue_version INT UNSIGNED NOT NULL,
        orders INT UNSIGNED NOT NULL,
        succeeded INT UNSIGNED NOT NULL,
        malformed INT UNSIGNED NOT NULL,
        rates_zxid BIGINT NOT NULL,
        rate_cny DECIMAL(18, 6) NOT NULL,
        rate_usd DECIMAL(18, 6) NOT NULL,
        rate_jpy DECIMAL(18, 6) NOT NULL,
        rate_eur DECIMAL(18, 6) NOT NULL,
        paid_cny DECIMAL(30, 2) NOT NULL,
        paid_usd DECIMAL(30, 2) NOT NULL,
        paid_jpy DECIMAL(30, 2) NOT NULL,
        paid_eur DECIMAL(30, 2) NOT NULL,
        amount_cny DECIMAL(38, 8) NOT NULL,
        fetch_ms FLOAT NOT NULL,
        decode_ms FLOAT NOT NULL,
        decide_ms FLOAT NOT NULL,
        write_ms FLOAT NOT NULL,
        committed_at DATETIME(6) NOT NULL
    )
    """,
    """
    CREATE TABLE batch_range (
        batch INT UNSIGNED NOT NULL,
        partition_id INT NOT NULL,
        start_offset BIGINT NOT NULL,
        end_offset BIGINT NOT NULL,
        PRIMARY KEY (batch, partition_id)
    )
    """,
    # key_hash = BLAKE2b-128 of user and key, content_hash = of what the order buys.
    """
    CREATE TABLE idempotency_key (
        key_hash BINARY(16) PRIMARY KEY,
        content_hash BINARY(16) NOT NULL,
        order_id BIGINT NOT NULL
    )
    """,
    # A change takes effect after batch `after_batch`; NULL leaves a column as it is.
    """
    CREATE TABLE catalogue_change (
        version INT UNSIGNED NOT NULL,
        commodity_id BIGINT NOT NULL,
        after_batch INT UNSIGNED NOT NULL,
        kind ENUM('seed', 'restock', 'price') NOT NULL,
        name VARCHAR(255),
        price DECIMAL(11, 2),
        currency CHAR(3) CHARACTER SET ascii,
        inventory_delta BIGINT NOT NULL,
        changed_at DATETIME(6) NOT NULL,
        PRIMARY KEY (version, commodity_id)
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("the ledger is never dropped by a migration; restore a backup instead")
