"""What a command's exit code means for its task."""

from typing import Final

from airflow.sdk.exceptions import AirflowException, AirflowFailException

_MEANINGS: Final = {
    1: "it failed; its message stands above",
    2: "it was called wrongly; correct the Params",
    70: "it halted until a human acts; its message says on what",
    75: "another one has taken over",
}
_FINAL: Final = (2, 70)


def require_success(exit_code: int) -> None:
    """Return if the command succeeded.

    Raises:
        AirflowFailException: it did not, and would not at another try.
        AirflowException: it did not.
    """
    if exit_code == 0:
        return
    meaning = _MEANINGS.get(exit_code, "it was killed" if exit_code < 0 else "see its messages above")
    message = f"exit code {exit_code}: {meaning}"
    raise AirflowFailException(message) if exit_code in _FINAL else AirflowException(message)
