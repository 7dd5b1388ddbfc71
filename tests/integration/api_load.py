"""Buyers who keep ordering while the servers suffer, and remember what they were told."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from settlement.orderid import Place, place_of
from tests.integration.api_server import SAMPLE, Answer, ApiServer, ask

_PAUSE_SECONDS: Final = 0.5
"""After a refusal: the servers need the processor to recover."""


class Load:
    """Orders in a closed loop; each is different, so that the log tells which are there.

    Attributes:
        accepted: what was acknowledged, by its place.
        answers: how often each status was answered; 0 for a connection that broke.
        refusals: the last answer of each status that is no 202.
    """

    def __init__(self, api: ApiServer, buyers: int) -> None:
        self.accepted: dict[Place, dict[str, Any]] = {}
        self.answers: Counter[int] = Counter()
        self.refusals: dict[int, Answer] = {}
        self._api = api
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._buy, args=(buyer,)) for buyer in range(buyers)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each buyer finish the order under way."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _buy(self, buyer: int) -> None:
        connection, number = self._api.connect(), 0
        while not self._ended.is_set():
            number += 1
            order = SAMPLE | {"user_id": buyer, "time": number}
            try:
                answer = ask(connection, "POST", "/", json.dumps(order).encode())
            except (OSError, http.client.HTTPException):
                connection.close()
                answer = Answer(0, {}, b"")
            self._note(order, answer)
            if answer.status != 202:
                self._ended.wait(_PAUSE_SECONDS)
        connection.close()

    def _note(self, order: dict[str, Any], answer: Answer) -> None:
        with self._lock:
            self.answers[answer.status] += 1
            if answer.status == 202:
                self.accepted[place_of(answer.json["id"])] = order
            else:
                self.refusals[answer.status] = answer


@contextmanager
def load_on(api: ApiServer, buyers: int = 8) -> Iterator[Load]:
    """Have buyers order until the end of the block."""
    load = Load(api, buyers)
    try:
        yield load
    finally:
        load.stop()
