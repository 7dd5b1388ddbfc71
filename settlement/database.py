"""Engines for the ledger's database (MySQL 8.4 and later, MariaDB 10.6 and later)."""

from math import ceil
from typing import Final

from sqlalchemy import URL, Engine, create_engine, make_url

_CONNECT_SECONDS: Final = 5
_STATEMENT_SECONDS: Final = 60


def create_database_engine(url: str | URL, *, pool_size: int = 4, silence_seconds_max: float | None = None) -> Engine:
    """Return a pool of connections, each with a limit on every wait.

    Args:
        url: mysql+pymysql://...
        pool_size: the most connections at once.
        silence_seconds_max: the server ends a connection that says nothing for so long, and with it the transaction
            and its locks. Writers set it: one that is paused or whose machine lost power in mid-transaction would
            keep the head row from its successor for hours.

    `local_infile` serves the job's LOAD DATA, which reads only what the job itself wrote. TLS is left out on
    loopback alone, where it makes connections 80 times slower and protects nothing.
    """
    parsed = make_url(url)
    return create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_CONNECT_SECONDS,
        pool_pre_ping=True,
        pool_recycle=600,
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "read_timeout": _STATEMENT_SECONDS,
            "write_timeout": _STATEMENT_SECONDS,
            "local_infile": True,
            "ssl_disabled": parsed.host in ("127.0.0.1", "localhost", "::1"),
            "charset": "utf8mb4",
            "init_command": _limit_silence(silence_seconds_max) if silence_seconds_max else None,
        },
    )


def _limit_silence(seconds: float) -> str:
    whole = ceil(seconds)
    return f"SET SESSION wait_timeout = {whole}, net_read_timeout = {whole}"  # between statements, and within LOAD DATA
