"""What became of orders, and the totals: asked of a real API over a really settled ledger."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient
from sqlalchemy import Engine, text

from settlement.settings import Settings
from settlement.zookeeper import RATES_PATH
from tests.integration.api_server import SAMPLE, Answer, ApiServer, running_api
from tests.integration.settling import open_shop
from tests.integration.topic_run import TopicRun

# The lab's six sample orders; `test_the_sample_orders_are_answered_as_the_domain_says` has what becomes of them.
ORDERS: tuple[tuple[int, str, dict[int, int]], ...] = (
    (123456, "RMB", {1: 2, 3: 1}),
    (7777, "RMB", {1: 8, 2: 5, 3: 8}),
    (8888, "USD", {4: 5}),
    (6666, "JPY", {3: 800}),
    (4444, "EUR", {1: 1}),
    (123456, "RMB", {1: 2, 3: 1}),
)


@pytest.fixture
def shop(app_settings: Settings, engine: Engine, zookeeper: KazooClient) -> TopicRun:
    """The sample commodities at the start rates, and the means to settle."""
    open_shop(engine, zookeeper)
    return TopicRun(engine, zookeeper, app_settings)


@pytest.fixture
def api(app_settings: Settings, shop: TopicRun, tmp_path: Path) -> Iterator[ApiServer]:
    """A ready API with short pages."""
    with running_api(app_settings, tmp_path, api_page_rows_max=3) as server:
        server.await_ready()
        yield server


def order(user_id: int, initiator: str, lines: dict[int, int]) -> dict[str, Any]:
    """An order as the original's clients send it."""
    items = [{"id": str(commodity), "number": number} for commodity, number in lines.items()]
    return {"user_id": str(user_id), "initiator": initiator, "time": 1, "items": items}


def next_page(answer: Answer) -> str:
    """The address of the next page."""
    found = re.fullmatch(r"<([^>]+)>; rel=next", answer.headers["link"])
    assert found
    return found[1]


def test_the_sample_orders_are_answered_as_the_domain_says(api: ApiServer, shop: TopicRun) -> None:
    """Each `paid` is exact, in the initiator's currency and with its digits; the order that is too large says why."""
    ids = [api.post(order(*sample)).json["id"] for sample in ORDERS]
    shop.settle()
    answers = [api.get(f"/querybyid?id={number}") for number in ids]
    assert {answer.status for answer in answers} == {200}
    # (66 x 12 x 2 + 99 x 0.15) / 2, (66 x 12 x 8 + 88 x 2 x 5 + 99 x 0.15 x 8) / 2, 45.5 x 9 x 5 / 12, 66 x 12 / 9
    paid = ["799.42", "3667.40", "170.62", "0", "88.00", "799.42"]
    assert [re.search(r'"paid":([^,]+),', answer.text)[1] for answer in answers] == paid  # type: ignore[index]
    assert answers[3].json == {
        "id": ids[3],
        "user_id": 6666,
        "initiator": "JPY",
        "success": False,
        "paid": 0,
        "reason": "insufficient_stock",
        "duplicate_of": None,
        "batch": 1,
    }
    assert [answer.json["success"] for answer in answers] == [True, True, True, False, True, True]
    assert [answer.json["initiator"] for answer in answers][:2] == ["CNY", "CNY"]


def test_yen_have_no_decimals_and_results_may_lack_a_user(
    api: ApiServer, shop: TopicRun, app_settings: Settings
) -> None:
    """Exact digits are part of the answer; a message that nobody could read has a result all the same."""
    yen = api.post(order(2, "JPY", {4: 1})).json["id"]
    shop.send([b"broken"])
    shop.settle()
    assert '"paid":2730,' in api.get(f"/querybyid?id={yen}").text  # 45.5 x 9 / 0.15
    (unreadable,) = (number for number in (0, 1 << 12) if number != yen)
    answer = api.get(f"/querybyid?id={unreadable}").json
    assert (answer["user_id"], answer["initiator"], answer["reason"], answer["paid"]) == (None, None, "malformed", 0)


def test_pages_of_a_user_hold_every_result_once(api: ApiServer, shop: TopicRun) -> None:
    """Oldest first, each page a bare list; the last has no next; results that come meanwhile disturb nothing."""
    ids = [api.post(order(8, "CNY", {1: 1})).json["id"] for _ in range(7)]
    api.post(order(9, "CNY", {1: 1}))
    shop.settle()
    answer = api.get("/querybyuserid?user-id=8")
    seen = [result["id"] for result in answer.json]
    assert seen == ids[:3]
    late = api.post(order(8, "CNY", {1: 1})).json["id"]
    shop.settle(token=2)
    while "link" in answer.headers:
        answer = api.get(next_page(answer))
        seen += [result["id"] for result in answer.json]
    assert seen == [*ids, late]
    assert [result["id"] for result in api.get("/querybyuserid?user-id=8&limit=1").json] == ids[:1]
    full_page = api.get(f"/querybyuserid?user-id=8&after={ids[4]}")
    assert len(full_page.json) == 3
    assert "link" not in full_page.headers


def test_parameters_are_taken_as_the_original_clients_send_them(api: ApiServer, shop: TopicRun) -> None:
    """Three names for the user, and quoted numbers."""
    number = api.post(order(8, "CNY", {1: 1})).json["id"]
    shop.settle()
    expected = api.get(f"/querybyid?id={number}").json
    assert api.get(f'/querybyid?id="{number}"'.replace('"', "%22")).json == expected
    for query in ("user-id=8", "userid=8", "user_id=8", "user-id=%228%22"):
        assert api.get(f"/querybyuserid?{query}").json == [expected]
    assert api.get("/querybyuserid?user-id=10").json == []


@pytest.mark.parametrize(
    "path",
    [
        "/querybyid",
        "/querybyid?id=",
        "/querybyid?id=x",
        "/querybyid?id=-1",
        "/querybyid?id=1.0",
        f"/querybyid?id={2**63}",
        "/querybyid?id=%D9%A1",  # a digit, but no ASCII one
        "/querybyuserid",
        "/querybyuserid?user-id=me",
        "/querybyuserid?user-id=1&limit=0",
        "/querybyuserid?user-id=1&limit=4",
        "/querybyuserid?user-id=1&after=x",
    ],
)
def test_a_wrong_parameter_is_400_and_named(api_without_orders: ApiServer, path: str) -> None:
    """Whatever is missing, no number or out of range."""
    answer = api_without_orders.get(path)
    assert (answer.status, answer.json["type"]) == (400, "urn:kiwi:problem:bad-parameter")
    assert "the parameter " in answer.json["detail"]


@pytest.fixture(scope="module")
def api_without_orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API with no server behind it, which is enough to refuse; shared, for it keeps nothing."""
    with running_api(Settings(api_page_rows_max=3), tmp_path_factory.mktemp("api")) as server:
        yield server


def test_the_amount_is_a_bare_number_and_as_json_all_totals(api: ApiServer, shop: TopicRun) -> None:
    """Both say the same, with the batch and the rates that made it; before the first batch all is zero."""
    before = api.get("/amount", Accept="application/json").json
    assert (before["amount_cny"], before["batch"], before["orders"], before["rates"]) == (0, 0, 0, None)
    assert api.get("/amount").text == "0.00"
    for sample in ORDERS:
        api.post(order(*sample))
    shop.settle()
    bare = api.get("/amount")
    assert (bare.status, bare.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    # 799.42 + 3667.40 + 799.42 CNY, 170.62 USD at 12 / 2, 88.00 EUR at 9 / 2
    assert bare.text == "6685.96"
    totals = api.get("/amount", Accept="application/json")
    assert totals.headers["content-type"] == "application/json"
    assert totals.json == {
        "amount_cny": Decimal("6685.96"),
        "paid": {"CNY": Decimal("5266.24"), "USD": Decimal("170.62"), "JPY": 0, "EUR": Decimal("88.00")},
        "orders": 6,
        "batch": 1,
        "rates": {"CNY": 2, "USD": 12, "JPY": Decimal("0.15"), "EUR": 9},
    }
    assert api.get("/amount", Accept="*/*").text == bare.text


def test_a_large_total_is_exact(api: ApiServer, engine: Engine) -> None:
    """More digits than a float holds, rounded half-even to fen."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE head SET amount_cny = 123456789012345678901234567890.12500000"))
    assert api.get("/amount").text == "123456789012345678901234567890.12"


def test_the_rates_are_those_in_zookeeper(api: ApiServer, zookeeper: KazooClient) -> None:
    """With their ages and their source; rates that may price nothing are 503 and say why."""
    rates = api.get("/rates")
    assert rates.status == 200
    assert rates.json["rates"] == {"CNY": 2, "USD": 12, "JPY": Decimal("0.15"), "EUR": 9}
    assert rates.json["source"] == "fixed"
    assert rates.json["snapshot"] == zookeeper.get(f"{RATES_PATH}/CNY")[1].mzxid
    zookeeper.set(f"{RATES_PATH}/JPY", b"0.16")
    torn = api.get("/rates")
    assert (torn.status, torn.json["type"]) == (503, "urn:kiwi:problem:rates-unavailable")


def test_the_position_counts_down_as_orders_are_settled(api: ApiServer, shop: TopicRun) -> None:
    """A pending order tells how many of its partition come before it."""
    ids = [api.post(SAMPLE).json["id"] for _ in range(3)]
    assert [api.get(f"/querybyid?id={number}").json["position"] for number in ids] == [0, 1, 2]
    shop.settle()
    later = api.post(SAMPLE).json["id"]
    assert api.get(f"/querybyid?id={later}").json["position"] == 0
