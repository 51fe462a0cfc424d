"""``GET /v1/statistics``: one's own counts, or with ``operate`` all; grouped, as JSON and CSV (SEC-014, ERR-002)."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.api.statistics import MAX_ROWS, takes_csv
from gateway.protocol.partner import SCOPES
from gateway.protocol.statistics import Cell, CountRecord, count_record
from gateway.protocol.topic import STATISTICS
from gateway.store.statistics import KEPT_DAYS
from tests.api.read.read_api import Answer, ReadApi

PATH = "/v1/statistics"


def day(api: ReadApi, ago: int = 0) -> str:
    return (api.clock.today - timedelta(days=ago)).isoformat()


async def write(api: ReadApi, number: int, counts: dict[Cell, int]) -> None:
    await api.put(STATISTICS, count_record(CountRecord("writer", number, counts)))


@pytest.fixture
async def counted(api: ReadApi) -> ReadApi:
    await write(
        api,
        1,
        {
            Cell(day(api), "bretagne", "accepted", "", "35"): 5,
            Cell(day(api, 1), "bretagne", "refused", "*", "22"): 2,
            Cell(day(api, 1), "bretagne", "refused", "too-long", "22"): 2,
            Cell(day(api, 1), "bretagne", "refused", "field-unknown", "22"): 1,
            Cell(day(api), "normandie", "refused", "*", ""): 4,
            Cell(day(api), "normandie", "refused", "too-long", ""): 4,
            Cell(day(api, 40), "bretagne", "accepted", "", "35"): 7,
        },
    )
    return api


def rows(answer: Answer) -> list[tuple[Any, ...]]:
    assert answer.status == 200, answer.body
    return [tuple(row.values()) for row in answer.body["statistics"]]


async def test_a_platform_reads_its_own_counts_of_the_last_thirty_days(counted: ReadApi) -> None:
    answer = await counted.get(PATH, "bretagne/offers:publish")
    expected = [
        ("bretagne", day(counted, 1), "refused", 2),
        ("bretagne", day(counted), "accepted", 5),
    ]
    assert expected == rows(answer)
    assert day(counted, 29) == answer.body["from"]
    assert day(counted) == answer.body["to"]
    assert ["platform", "day", "verdict"] == answer.body["group"]
    assert "private, no-cache" == answer.headers["Cache-Control"]
    assert "Authorization, Accept" == answer.headers["Vary"]


@pytest.mark.parametrize("scopes", ["offers:publish", "offers:read", "offers:publish+offers:read"])
@pytest.mark.parametrize("target", ["normandie", "bretagne,normandie", "nowhere"])
async def test_another_platforms_counts_are_forbidden_known_or_not(counted: ReadApi, scopes: str, target: str) -> None:
    answer = await counted.get(f"{PATH}?platform={target}", f"bretagne/{scopes}")
    assert (403, "scope-missing") == (answer.status, answer.body["code"])
    assert 'scope="operate"' in answer.headers["WWW-Authenticate"]
    assert 200 == (await counted.get(f"{PATH}?platform=bretagne", f"bretagne/{scopes}")).status


async def test_the_operator_reads_all_platforms_or_those_it_names(counted: ReadApi) -> None:
    every = await counted.get(f"{PATH}?group=platform", "national/operate")
    assert [("bretagne", 7), ("normandie", 4)] == rows(every)
    named = await counted.get(f"{PATH}?group=platform&platform=normandie,nowhere", "national/operate")
    assert [("normandie", 4)] == rows(named)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("group=rule", [(None, 5), ("field-unknown", 1), ("too-long", 2)]),
        ("group=verdict,department", [("accepted", "35", 5), ("refused", "22", 2)]),
        ("group=department&group=verdict", [("accepted", "35", 5), ("refused", "22", 2)]),
        ("group=department", [("22", 2), ("35", 5)]),
    ],
)
async def test_counts_are_grouped_in_one_order(counted: ReadApi, query: str, expected: list[Any]) -> None:
    assert expected == rows(await counted.get(f"{PATH}?{query}", "bretagne/offers:read"))


async def test_days_are_included_at_both_ends(counted: ReadApi) -> None:
    target = f"{PATH}?from={day(counted, 40)}&to={day(counted, 1)}&group=day&platform=bretagne"
    assert [(day(counted, 40), 7), (day(counted, 1), 2)] == rows(await counted.get(target, "bretagne"))
    target = f"{PATH}?to={day(counted, 40)}&group=verdict&platform=bretagne"
    answer = await counted.get(target, "bretagne")
    assert [("accepted", 7)] == rows(answer)
    assert day(counted, 69) == answer.body["from"]


async def test_days_that_are_no_longer_kept_count_nothing_even_before_they_are_deleted(counted: ReadApi) -> None:
    await write(counted, 2, {Cell(day(counted, KEPT_DAYS), "bretagne", "accepted", "", ""): 9})
    target = f"{PATH}?from=2000-01-01&group=verdict&platform=bretagne"
    assert [("accepted", 12), ("refused", 2)] == rows(await counted.get(target, "bretagne"))


@pytest.mark.parametrize(
    ("query", "code", "parameter"),
    [
        ("from=2026-02-30", "parameter-invalid", "from"),
        ("from=20260201", "parameter-invalid", "from"),
        ("from=2026-W05-1", "parameter-invalid", "from"),
        ("to=0001-01-01", "parameter-invalid", "to"),
        ("to=yesterday", "parameter-invalid", "to"),
        ("from=2024-01-02&to=2024-01-01", "parameter-invalid", "from"),
        ("from=2024-01-01&from=2024-01-02", "parameter-invalid", "from"),
        ("group=", "parameter-invalid", "group"),
        ("group=employer", "parameter-invalid", "group"),
        ("platform=Bretagne", "parameter-invalid", "platform"),
        ("since=2024-01-01", "parameter-unknown", "since"),
    ],
)
async def test_a_wrong_parameter_is_named(api: ReadApi, query: str, code: str, parameter: str) -> None:
    answer = await api.get(f"{PATH}?{query}", "bretagne")
    assert (400, code) == (answer.status, answer.body["code"])
    assert parameter in answer.body["detail"]


async def test_more_rows_than_an_answer_holds_are_refused_with_the_remedy(api: ReadApi) -> None:
    cells = {Cell(day(api, ago), f"p{n}", "accepted", "", "35"): 1 for ago in range(30) for n in range(335)}
    assert len(cells) > MAX_ROWS
    await write(api, 1, cells)
    answer = await api.get(f"{PATH}?group=platform,day", "national", headers={"Accept-Language": "en"})
    assert (400, "parameter-invalid") == (answer.status, answer.body["code"])
    assert "10,000" in answer.body["detail"]
    assert 335 == len(rows(await api.get(f"{PATH}?group=platform", "national")))


async def test_csv_is_a_file_of_the_same_rows(counted: ReadApi) -> None:
    target = f"{PATH}?group=rule,verdict&platform=bretagne"
    answer = await counted.get(target, "bretagne", headers={"Accept": "text/csv"})
    assert 200 == answer.status
    assert "text/csv; charset=utf-8; header=present" == answer.headers["Content-Type"]
    name = f"statistics-{day(counted, 29)}-{day(counted)}.csv"
    assert f'attachment; filename="{name}"' == answer.headers["Content-Disposition"]
    assert (
        "\ufeffverdict;rule;count;offers;more_offers\r\n"
        "accepted;;5;;\r\nrefused;field-unknown;1;;\r\nrefused;too-long;2;;\r\n" == answer.body
    )


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("text/*", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("application/json, text/csv;q=0.9", False),
        ("application/json;q=0.5, text/csv;q=0.9", True),
        ("text/csv;q=0", False),
        ("text/csv;q=x", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        (",;q=1,", False),
    ],
)
def test_the_form_is_that_which_the_client_prefers(accept: str, expected: bool) -> None:  # noqa: FBT001
    assert expected == takes_csv([accept])


async def test_while_the_view_is_being_filled_the_answer_is_503(api: ReadApi) -> None:
    async with api.filling(STATISTICS) as filling:
        answer = await filling.get(PATH, "bretagne")
    assert (503, "view-behind") == (answer.status, answer.body["code"])


async def test_every_scope_opens_it_and_no_token_does_not(api: ReadApi) -> None:
    for scope in SCOPES:
        assert 200 == (await api.get(PATH, f"bretagne/{scope}")).status
    assert 401 == (await api.get(PATH, None)).status
