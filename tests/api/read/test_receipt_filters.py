"""Filters and order of the list of receipts."""

from urllib.parse import quote

import pytest

from gateway.protocol.record import read_utc
from tests.api.read.read_api import Answer, ReadApi

START = read_utc("2027-01-15T08:00:00.000Z")
KINDS = ("accepted", "duplicate", "stale", "rejected")


async def filled(api: ReadApi, count: int = 12) -> None:
    """One receipt a second, verdicts in rotation, three offers, two uploads."""
    for second in range(count):
        api.clock.now = START + second * 1_000
        await api.receive(
            f"r{second:02}",
            f"bretagne:{second % 3}",
            "bretagne",
            second=second,
            verdict=KINDS[second % 4],
            **({"batch": "b" + "A" * 16} if second % 2 else {"snapshot": "s" + "A" * 16}),
        )
    await api.receive("other", "normandie:1", "normandie", verdict="rejected")


def numbers(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [int(receipt["receipt"][1:]) for receipt in answer.body["receipts"]]


async def walk(api: ReadApi, query: str, limit: int = 2) -> list[int]:
    """All pages."""
    found: list[int] = []
    cursor, more = "", True
    while more:
        page = await api.get(f"/v1/receipts?limit={limit}{query}{cursor}", "bretagne")
        found += numbers(page)
        cursor, more = f"&cursor={page.body['cursor']}", page.body["more"]
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("&verdict=rejected", [3, 7, 11]),
        ("&verdict=stale,rejected", [2, 3, 6, 7, 10, 11]),
        ("&verdict=stale&verdict=rejected", [2, 3, 6, 7, 10, 11]),
        ("&id=bretagne:1", [1, 4, 7, 10]),
        ("&id=bretagne:1&verdict=rejected", [7]),
        ("&since=2027-01-15T08:00:09Z", [9, 10, 11]),
        ("&since=2027-01-15T09:00:09%2B01:00", [9, 10, 11]),
        ("&since=2027-01-15T08:00:07.500Z&verdict=rejected", [11]),
        ("&batch=" + "b" + "A" * 16, [1, 3, 5, 7, 9, 11]),
        ("&snapshot=" + "s" + "A" * 16, [0, 2, 4, 6, 8, 10]),
        ("&snapshot=" + "s" + "A" * 16 + "&verdict=stale&since=2027-01-15T08:00:05Z", [6, 10]),
        ("&batch=" + "b" + "B" * 16, []),
        ("&since=2030-01-01T00:00:00Z", []),
    ],
)
async def test_receipts_are_filtered_in_both_orders(api: ReadApi, query: str, expected: list[int]) -> None:
    """RCP-007, RCP-008: page by page, oldest first unless newest first is asked for."""
    await filled(api)
    assert expected == await walk(api, query)
    assert expected == await walk(api, f"{query}&order=oldest")
    assert expected[::-1] == await walk(api, f"{query}&order=newest")


async def test_oldest_first_can_be_resumed_and_newest_first_ends(api: ReadApi) -> None:
    """RCP-008: a new receipt comes after the cursor of oldest first, and before that of newest first."""
    await filled(api, 4)
    oldest = await api.get("/v1/receipts?verdict=rejected", "bretagne")
    newest = await api.get("/v1/receipts?order=newest&limit=2", "bretagne")
    assert ([3], [3, 2]) == (numbers(oldest), numbers(newest))
    api.clock.now = START + 50_000
    await api.receive("r50", "bretagne:1", "bretagne", second=50, verdict="rejected")
    after = await api.get(f"/v1/receipts?verdict=rejected&cursor={oldest.body['cursor']}", "bretagne")
    rest = await api.get(f"/v1/receipts?order=newest&limit=9&cursor={newest.body['cursor']}", "bretagne")
    assert ([50], [1, 0], False) == (numbers(after), numbers(rest), rest.body["more"])


@pytest.mark.parametrize(
    "other",
    [
        "",
        "&verdict=stale",
        "&verdict=rejected&order=newest",
        "&verdict=rejected&id=bretagne:1",
        "&verdict=rejected,stale",
    ],
)
async def test_a_cursor_is_bound_to_its_filter_and_order(api: ReadApi, other: str) -> None:
    """FEED-005, RCP-008."""
    await filled(api, 4)
    cursor = (await api.get("/v1/receipts?verdict=rejected", "bretagne")).body["cursor"]
    answer = await api.get(f"/v1/receipts?cursor={cursor}{other}", "bretagne")
    assert (400, "cursor-filter") == (answer.status, answer.body["code"])
    assert 200 == (await api.get(f"/v1/receipts?cursor={cursor}&verdict=rejected", "bretagne")).status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict", "refused"),
        ("verdict", "pending"),
        ("since", "yesterday"),
        ("since", "2027-01-15T08:00:00"),
        ("since", "2027-02-30T08:00:00Z"),
        ("id", "bretagne"),
        ("batch", "x"),
        ("snapshot", "ÿ"),
        ("order", "random"),
        ("problems", "yes"),
    ],
)
async def test_a_wrong_filter_is_named(api: ReadApi, name: str, value: str) -> None:
    """ERR-002."""
    answer = await api.get(f"/v1/receipts?{name}={quote(value)}", "bretagne")
    assert (400, "parameter-invalid") == (answer.status, answer.body["code"])
    assert f"« {name} »" in answer.body["detail"] or f" {name} " in answer.body["detail"], answer.body
    assert answer.body["expected"]


async def test_batch_and_snapshot_filters_exclude_each_other(api: ReadApi) -> None:
    """ERR-002: a receipt is of one upload, so that the answer would be empty whatever they are."""
    answer = await api.get(f"/v1/receipts?batch=b{'A' * 16}&snapshot=s{'A' * 16}", "bretagne")
    assert (400, "parameter-invalid") == (answer.status, answer.body["code"])


async def test_a_filter_shows_nothing_of_others(api: ReadApi) -> None:
    """RCP-002: nor does another's offer, batch or snapshot."""
    await filled(api)
    for query in ("verdict=rejected", "id=bretagne:1", "batch=b" + "A" * 16, "order=newest"):
        answer = await api.get(f"/v1/receipts?{query}", "normandie")
        assert {"normandie:1"} >= {receipt["id"] for receipt in answer.body["receipts"]}


async def test_receipts_with_problems_are_found(api: ReadApi) -> None:
    """RCP-007: warnings of accepted offers included."""
    await api.receive("r1", "bretagne:1", "bretagne", problems=[])
    await api.receive("r2", "bretagne:2", "bretagne", problems=[{"code": "x", "message": {"fr": "x", "en": "x"}}])
    assert [2] == numbers(await api.get("/v1/receipts?problems=true", "bretagne"))
    assert [1] == numbers(await api.get("/v1/receipts?problems=false", "bretagne"))
