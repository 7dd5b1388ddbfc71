"""LOAD DATA, the fastest way in, with the checks that it leaves out: it drops and coerces what it does not like."""

import tempfile
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection

NULL: Final = "\\N"
"""How a text column says NULL."""

_FORMAT: Final = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")


class BulkLoadError(Exception):
    """The server took fewer rows than it was given, or changed some; the transaction must be rolled back."""


def load_rows(connection: Connection, table: str, columns: Sequence[str], rows: pa.Table) -> None:
    """Insert rows within the connection's transaction.

    Args:
        connection: opened with `local_infile`.
        table: a table's name, never from outside.
        columns: the table's columns, in the order of those of `rows`.
        rows: values without tabs or line ends; `NULL` stands for NULL.

    Raises:
        BulkLoadError: rows were dropped (a key was there already) or coerced (a value did not fit).
    """
    with tempfile.NamedTemporaryFile(prefix="kiwi-load-", suffix=".csv") as file:
        pyarrow.csv.write_csv(rows, file, _FORMAT)
        file.flush()
        statement = (
            f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {table} CHARACTER SET utf8mb4 ({', '.join(columns)})"
        )
        cursor = connection.connection.cursor()
        try:
            cursor.execute(statement)
            loaded = cursor.rowcount
            cursor.execute("SHOW WARNINGS LIMIT 3")
            warnings = cursor.fetchall()
        finally:
            cursor.close()
    if loaded != rows.num_rows or warnings:
        raise BulkLoadError(f"{table}: {loaded} of {rows.num_rows} rows were loaded; warnings: {warnings}")
