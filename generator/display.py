"""The progress of a run on the terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from generator.run import Sent


class Display:
    """One bar for the sending and one for the settling."""

    def __init__(self, console: Console, orders: int | None, *, settling: bool) -> None:
        """Prepare.

        Args:
            console: where to.
            orders: how many will be sent; None = not known.
            settling: whether settlement is watched.
        """
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[remark]}"),
            console=console,
            refresh_per_second=5,
        )
        self._sending = self._progress.add_task("sending", total=orders, remark="")
        self._settling = self._progress.add_task("settled", total=orders, remark="", visible=settling)
        self._settled = 0

    def __enter__(self) -> Self:
        """Show it."""
        self._progress.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Leave the last state standing."""
        self._progress.stop()

    def show_sent(self, sent: Sent, settled: int, remark: str) -> None:
        """Show how far the sending has come, and the settling meanwhile."""
        counts = sent.counts
        said = [f"[green]{len(sent.accepted):,} accepted[/]", f"[yellow]{counts.rejected:,} rejected[/]"]
        said += [f"{max(sent.in_flight, 0):,} in flight"]
        if counts.retries:
            said.append(f"[red]{counts.retries:,} retries[/]")
        self._progress.update(self._sending, completed=counts.sent, remark=", ".join(said))
        self.show_settled(settled, len(sent.accepted), remark)

    def end_sending(self, sent: Sent) -> None:
        """Show that nothing more is sent."""
        self._progress.update(self._sending, total=sent.counts.sent)
        self._progress.stop_task(self._sending)
        self._progress.update(self._settling, total=len(sent.accepted))

    def show_settled(self, settled: int, accepted: int, remark: str) -> None:
        """Show how far the settling has come."""
        waiting = f"{accepted - settled:,} accepted and waiting"
        self._progress.update(
            self._settling, completed=settled, remark=f"[red]{escape(remark)}[/]" if remark else waiting
        )

    def show_looked_up(self, looked_up: int, accepted: int) -> None:
        """Show how many results were looked up."""
        self._progress.update(self._settling, remark=f"{looked_up:,} of {accepted:,} results looked up")
