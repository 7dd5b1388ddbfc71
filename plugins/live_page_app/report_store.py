"""The benchmark reports that lie in folders, one a run, and nothing besides."""

from pathlib import Path
from typing import Final, NamedTuple

import msgspec

RUNS_SHOWN: Final = 100
_REPORT_BYTES_MAX: Final = 32 * 1024 * 1024


class _Run(msgspec.Struct):
    started_at: str


class _Orders(msgspec.Struct):
    accepted: int
    settled: int | None = None
    missing: int | None = None


class _Rates(msgspec.Struct):
    accept_orders_per_second: float
    settle_orders_per_second: float | None = None


class _Percentiles(msgspec.Struct):
    p50_ms: float
    p99_ms: float


class _Latencies(msgspec.Struct):
    settle: _Percentiles | None = None


class Summary(msgspec.Struct):
    """What the list tells of a run: a few fields of the generator's report."""

    run: _Run
    orders: _Orders
    rates: _Rates
    latency: _Latencies
    problems: list[str]


class RunFolder(NamedTuple):
    """One run: its name, its files, and its report if it has a readable one."""

    name: str
    files: list[str]
    changed_at: float
    summary: Summary | None


class ReportStore:
    """Reads a folder that others write; links that lead out of it do not exist for it."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def runs(self) -> list[RunFolder]:
        """Return the newest runs, newest first."""
        if self._folder is None or not self._folder.is_dir():
            return []
        folders = [path for path in self._folder.iterdir() if self._inside(path) and path.is_dir()]
        newest = sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[:RUNS_SHOWN]
        return [self._open(path) for path in newest]

    def run(self, name: str) -> RunFolder | None:
        """Return one run, or None."""
        path = self._child(self._folder, name)
        return self._open(path) if path and path.is_dir() else None

    def file(self, run: str, name: str) -> Path | None:
        """Return a file of a run, or None."""
        path = self._child(self._child(self._folder, run), name)
        return path if path and path.is_file() else None

    def _child(self, parent: Path | None, name: str) -> Path | None:
        """Return what lies directly in a folder of ours under this name, or None."""
        if parent is None or not name or name.startswith(".") or set(name) & {"/", "\\", "\0"}:
            return None
        path = parent / name
        return path if self._inside(path) else None

    def _inside(self, path: Path) -> bool:
        try:
            home = self._folder.resolve() if self._folder else None
            return home is not None and not path.name.startswith(".") and path.resolve().is_relative_to(home)
        except OSError:
            return False

    def _open(self, path: Path) -> RunFolder:
        files = sorted(child.name for child in path.iterdir() if self._inside(child) and child.is_file())
        return RunFolder(path.name, files, path.stat().st_mtime, _summary(path / "report.json", files))


def _summary(path: Path, files: list[str]) -> Summary | None:
    try:
        if path.name not in files or path.stat().st_size > _REPORT_BYTES_MAX:
            return None
        return msgspec.json.decode(path.read_bytes(), type=Summary)
    except (OSError, msgspec.MsgspecError):
        return None
