"""Faults of the mock: by a header of the request, or by a scenario for the requests to come."""

from typing import Any

import aiohttp
import pytest

from gateway.mock.faults import FAULTS, FaultError, read_header, read_scenario
from tests.mock.mock_harness import mocked, offer


@pytest.mark.parametrize(
    ("fault", "status", "after"),
    [
        ("unavailable; seconds=3", 503, 201),
        ("unavailable; stored", 503, 200),
        ("busy; seconds=2.2", 429, 201),
        ("busy; stored", 429, 200),
        ("expired-token", 401, 401),
        ("duplicate", 200, 200),
        ("slow; seconds=0", 201, 200),
        ("resync", 410, 201),
    ],
)
async def test_a_request_meets_the_fault_of_its_header(fault: str, status: int, after: int) -> None:
    """``stored`` keeps what was sent although the answer says otherwise."""
    async with mocked() as client:
        found, headers, _ = await client.put(1, fault=fault)
        assert status == found
        assert not fault.endswith(("seconds=3", "seconds=2.2")) or headers["Retry-After"] == "3"
        assert after == (await client.put(1))[0]


@pytest.mark.parametrize(("fault", "after"), [("lost", 201), ("lost; stored", 200), ("cut", 200)])
async def test_an_answer_is_lost_or_cut(fault: str, after: int) -> None:
    async with mocked() as client:
        with pytest.raises(aiohttp.ClientError):
            await client.put(1, fault=fault)
        assert after == (await client.put(1))[0]


async def test_a_decision_comes_late_while_other_requests_are_answered() -> None:
    """PUB-004, RCP-005."""
    async with mocked() as client:
        headers = {"Passerelle-Mock-Fault": "late; seconds=600"}
        status, answer, body = await client.ask("PUT", "/v1/offers/bretagne:1", offer(1), headers=headers)
        assert (202, "pending") == (status, body["verdict"])
        assert "pending" == (await client.ask("GET", answer["Location"]))[2]["verdict"]


async def test_a_scenario_is_met_in_order_as_often_as_it_says_by_the_requests_that_it_names() -> None:
    scenario: list[dict[str, Any]] = [
        {"fault": "busy", "on": "PUT /v1/offers/*", "times": 2},
        {"fault": "resync", "on": "GET /v1/changes"},
        {"fault": "unavailable"},
    ]
    async with mocked(scenario=scenario) as client:
        assert 410 == (await client.ask("GET", "/v1/changes"))[0]
        assert [429, 429, 503, 201] == [(await client.put(1))[0] for _ in range(4)]
        assert 200 == (await client.ask("GET", "/v1/changes"))[0]


async def test_the_list_of_requests_names_the_fault_that_each_met() -> None:
    async with mocked() as client:
        await client.put(1, fault="busy; stored")
        await client.put(1)
        kept = (await client.ask("GET", "/mock/requests"))[2]["requests"]
        assert ["busy", None] == [one.get("fault") for one in kept if one["method"] == "PUT"]


async def test_a_header_that_names_no_fault_is_refused_with_the_names() -> None:
    async with mocked() as client:
        status, _, body = await client.put(1, fault="explosion")
        assert (400, "parameter-invalid") == (status, body["code"])
        assert all(name in body["detail"] for name in FAULTS)
        assert "les pannes sont" in body["detail"]


@pytest.mark.parametrize(
    "value",
    [
        {},
        ["busy"],
        [{"fault": "x"}],
        [{"fault": "busy", "second": 1}],
        [{"fault": "busy", "seconds": -1}],
        [{"fault": "busy", "times": "2"}],
        [{"fault": "busy", "on": 1}],
        [{"fault": "busy", "stored": "yes"}],
        [{"fault": "busy", "seconds": True}],
        [{"fault": "busy", "times": 1.5}],
        [{"fault": "cut", "stored": True}],
        [{"fault": "lost", "seconds": 2}],
        [{"fault": ["busy"]}],
    ],
)
def test_a_scenario_that_cannot_be_read_is_refused(value: Any) -> None:
    with pytest.raises(FaultError):
        read_scenario(value)


def test_a_header_names_a_fault_with_its_members() -> None:
    for stored in ("stored", "stored=true", "stored = true"):
        fault = read_header(f"unavailable; seconds=2.5; {stored}")
        assert ("unavailable", 2.5, True) == (fault.fault, fault.seconds, fault.stored)
    for of_scenario in ("times=3", "on=PUT"):
        with pytest.raises(FaultError, match="is of a scenario"):
            read_header(f"busy; {of_scenario}")
    with pytest.raises(FaultError, match="number"):
        read_header("slow; seconds=soon")
