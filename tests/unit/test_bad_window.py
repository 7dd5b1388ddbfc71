"""The limit on bad messages: what halts, what does not, and what a restart must not forget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.bad_window import BadMessageWindow, TooManyBadMessagesError

batches = st.lists(st.integers(1, 50).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size))), max_size=30)


def refuses(window: BadMessageWindow, orders: int, malformed: int) -> bool:
    """Return whether this batch would halt the job."""
    try:
        window.check(orders, malformed)
    except TooManyBadMessagesError:
        return True
    return False


def test_the_limit_is_exact() -> None:
    """Half of a window may be bad, one more halts."""
    window = BadMessageWindow(0.5, 100)
    assert not refuses(window, 100, 50)
    assert refuses(window, 100, 51)


def test_a_few_bad_messages_at_the_start_do_not_halt() -> None:
    """The share is taken of a whole window, so that the first bad message is not 100 %."""
    assert not refuses(BadMessageWindow(0.5, 100), 3, 3)


def test_bad_messages_in_small_batches_add_up() -> None:
    """A bad sender is noticed although no batch alone is large."""
    window = BadMessageWindow(0.5, 100)
    settled = 0
    while not refuses(window, 10, 10):
        window.add(10, 10)
        settled += 10
    assert settled == 50


def test_a_check_changes_nothing() -> None:
    """A batch that is tried again counts once."""
    window = BadMessageWindow(0.5, 100)
    assert [refuses(window, 100, 50) for _ in range(3)] == [False] * 3


@pytest.mark.parametrize(("since", "halts"), [(99, True), (100, False)])
def test_old_batches_are_forgotten(since: int, halts: bool) -> None:
    """A bad batch counts until the batches after it fill a window by themselves."""
    window = BadMessageWindow(0.5, 100)
    window.add(100, 100)
    window.add(since, 0)
    assert refuses(window, 10, 10) is halts


@given(batches, st.integers(1, 200), st.sampled_from((0.1, 0.5, 1.0)))
def test_a_restart_forgets_nothing(history: list[tuple[int, int]], window_orders: int, share_max: float) -> None:
    """Loaded from the ledger, a window judges as the one that saw the batches go by."""
    lived, loaded = BadMessageWindow(share_max, window_orders), BadMessageWindow(share_max, window_orders)
    for orders, malformed in history:
        lived.add(orders, malformed)
    loaded.load(history)
    assert [refuses(lived, size, size) for size in range(1, 100)] == [
        refuses(loaded, size, size) for size in range(1, 100)
    ]


@given(batches, st.integers(1, 200))
def test_a_share_of_one_never_halts(history: list[tuple[int, int]], window_orders: int) -> None:
    """An operator who allows every message to be bad gets what was asked for."""
    window = BadMessageWindow(1.0, window_orders)
    for orders, malformed in history:
        assert not refuses(window, orders, malformed)
        window.add(orders, malformed)
