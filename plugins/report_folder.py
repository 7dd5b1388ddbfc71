"""Where a benchmark's report lies: one folder a run, named after it."""

import re
from pathlib import Path
from typing import Final

from settlement.settings import Settings

POD_REPORT_DIR: Final = "/reports"
_USUAL: Final = Path(__file__).resolve().parents[1] / ".kiwi" / "report"


def report_root() -> str:
    """Return the folder of all runs' folders: KIWI_REPORT_DIR, or in a pod the mounted volume."""
    chosen = Settings()
    return POD_REPORT_DIR if chosen.runtime == "kubernetes" else str(chosen.report_dir or _USUAL)


def report_folder(run_id: str) -> str:
    """Return the name of a run's folder: its own, with `_` for what does not belong into a file's name."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", run_id)
    return f"_{name}" if name.startswith(".") else name
