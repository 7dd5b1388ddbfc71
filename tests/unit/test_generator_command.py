"""The command line: wrong usage is 2, a machine without the stack is 1 with the remedy, and signals are wishes."""

import signal
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from generator.__main__ import app
from generator.interrupt import interrupts
from settlement.settings import settings


@pytest.mark.parametrize(
    "arguments",
    [
        ["--orders", "0"],
        ["--orders", "5", "--seconds", "5"],
        ["--bad-share", "0.6", "--repeat-share", "0.6"],
        ["--bad-share", "1.1"],
        ["--currencies", "CNY,JYP"],
        ["--currencies", ","],
        ["--max-item", "100"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_refused(arguments: list[str]) -> None:
    """Nothing is sent, and the exit code is 2."""
    assert CliRunner().invoke(app, ["run", *arguments]).exit_code == 2


@pytest.mark.parametrize("name", ["MAX_ITEM", "MAX_PURCHASE"])
def test_the_originals_variables_are_read(name: str) -> None:
    """A value out of bounds in the environment is refused by the variable's name."""
    result = CliRunner().invoke(app, ["run"], env={name: "0"})
    assert result.exit_code == 2
    assert name in result.stderr


@pytest.fixture
def no_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment that names a port on which nothing listens."""
    monkeypatch.setenv("KIWI_API_URL", "http://127.0.0.1:1")
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_an_absent_api_is_named_with_the_remedy(no_api: None) -> None:
    """Exit code 1; the message names the variable, the address and the command that starts the stack."""
    result = CliRunner().invoke(app, ["run", "--orders", "5"])
    assert result.exit_code == 1
    for part in ("KIWI_API_URL=http://127.0.0.1:1", "Connection refused", "make up"):
        assert part in result.stderr


def test_a_report_that_is_not_there_is_named() -> None:
    """Exit code 1 and the file's name."""
    result = CliRunner().invoke(app, ["report", "nowhere.json"])
    assert result.exit_code == 1
    assert "nowhere.json" in result.stderr


def test_signals_are_counted_and_given_back() -> None:
    """One wish ends a stage; the next stage begins without one; the third in a stage interrupts at once."""
    before = signal.getsignal(signal.SIGINT)
    with interrupts() as interrupt:
        assert not interrupt.wished()
        signal.raise_signal(signal.SIGINT)
        assert interrupt.wished()
        interrupt.begin_stage()
        assert not interrupt.wished()
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.wished()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
