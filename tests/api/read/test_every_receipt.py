"""``GET /v1/operate/receipts``: receipts of every platform, for the scope ``operate`` alone (RCP-002, SEC-014)."""

import pytest

from gateway.protocol.record import read_utc
from tests.api.read.read_api import Answer, ReadApi

PATH = "/v1/operate/receipts"
WHO = "normandie/operate"
START = read_utc("2027-01-15T08:00:00.000Z")
KINDS = ("accepted", "duplicate", "stale", "rejected")
PLATFORMS = ("bretagne", "normandie", "grand-est")


@pytest.fixture
async def filled(api: ReadApi) -> ReadApi:
    """One receipt a second, of three platforms and four verdicts in rotation."""
    for second in range(12):
        api.clock.now = START + second * 1_000
        platform = PLATFORMS[second % 3]
        more = {"snapshot": "s" + "A" * 16} if second % 2 else {}
        await api.receive(f"r{second:02}", f"{platform}:1", platform, second=second, verdict=KINDS[second % 4], **more)
    return api


def numbers(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [int(receipt["receipt"][1:]) for receipt in answer.body["receipts"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", list(range(12))),
        ("order=newest", list(range(11, -1, -1))),
        ("verdict=rejected&order=newest", [11, 7, 3]),
        ("platform=normandie", [1, 4, 7, 10]),
        ("platform=normandie,bretagne&verdict=rejected,stale", [3, 6, 7, 10]),
        ("id=bretagne:1&order=newest", [9, 6, 3, 0]),
        ("since=2027-01-15T08:00:09Z", [9, 10, 11]),
        ("snapshot=s" + "A" * 16 + "&verdict=duplicate", [1, 5, 9]),
        ("platform=nobody", []),
    ],
)
async def test_filters_select_together_in_either_order(filled: ReadApi, query: str, expected: list[int]) -> None:
    assert expected == numbers(await filled.get(f"{PATH}?{query}", WHO))
    found: list[int] = []
    cursor, more = "", True
    while more:
        page = await filled.get(f"{PATH}?limit=2&{query}{cursor}", WHO)
        found += numbers(page)
        cursor, more = f"&cursor={page.body['cursor']}", page.body["more"]
    assert expected == found


async def test_one_receipt_is_found_by_its_id(filled: ReadApi) -> None:
    assert "r03" == (await filled.get(f"{PATH}/r03", WHO)).body["receipt"]
    assert 404 == (await filled.get(f"{PATH}/nobody", WHO)).status


@pytest.mark.parametrize("who", ["bretagne/offers:publish", "bretagne/offers:read"])
async def test_a_platform_reads_only_its_own_at_its_own_address(filled: ReadApi, who: str) -> None:
    """RCP-002"""
    assert 403 == (await filled.get(PATH, who)).status
    assert 403 == (await filled.get(f"{PATH}/r00", who)).status


async def test_an_operator_is_no_publisher(filled: ReadApi) -> None:
    """RCP-002, SEC-002: the address of publishers stays theirs."""
    assert 403 == (await filled.get("/v1/receipts", WHO)).status


async def test_a_cursor_serves_its_own_list_only(filled: ReadApi) -> None:
    """RCP-008"""
    cursor = (await filled.get(f"{PATH}?limit=2", WHO)).body["cursor"]
    other = await filled.get(f"{PATH}?platform=bretagne&cursor={cursor}", WHO)
    assert (400, "cursor-filter") == (other.status, other.body["code"])
    theirs = await filled.get(f"/v1/receipts?cursor={cursor}", "normandie/offers:publish")
    assert (400, "cursor-forged") == (theirs.status, theirs.body["code"])


@pytest.mark.parametrize("query", ["platform=No", "verdict=refused", "order=best", "since=x"])
async def test_a_wrong_parameter_is_refused(filled: ReadApi, query: str) -> None:
    """ERR-002"""
    assert 400 == (await filled.get(f"{PATH}?{query}", WHO)).status
