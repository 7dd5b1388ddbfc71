"""How commands write when nobody sits at a terminal."""

from typing import Final

PLAIN_OUTPUT: Final = {"PYTHONUNBUFFERED": "1", "COLUMNS": "140", "NO_COLOR": "1", "TYPER_USE_RICH": "0"}
"""A log shows lines as they come, without the frames and colours of a terminal."""
