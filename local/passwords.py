"""Passwords of the database's users: drawn once, kept in one file that this user alone can read."""

import json
import secrets
from typing import Final

from local.home import Home, write_private

_FILE: Final = "passwords.json"
_BYTES: Final = 24


def ensure_passwords(home: Home, users: tuple[str, ...]) -> dict[str, str]:
    """Return each user's password, drawing those that are new."""
    path = home.root / _FILE
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if missing := [user for user in users if user not in known]:
        known |= {user: secrets.token_hex(_BYTES) for user in missing}
        write_private(path, json.dumps(known, indent=1))
    return known


def forget_passwords(home: Home) -> None:
    """Remove the file; sensible only together with the data."""
    (home.root / _FILE).unlink(missing_ok=True)
