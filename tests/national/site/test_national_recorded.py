"""The recorded answers of the real site against the simulated one: status and shape, and errors to the letter."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import orjson
import pytest

from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import Operator
from tests.national.site.harness import OLD_TOKEN, PASSWORD, at, shape
from tests.national.site.server import SteppedTime

STALE = {
    "internship_offers/destroy/forbidden.json",  # trap 15: DELETE only finds one's own offers now, hence 404
    "internship_offers/update/unprocessable_entity_bad_data.json",  # trap 15: malformed weeks are dropped now
}
STATUSES = {
    "success": 200,
    "ok": 200,
    "created": 201,
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "unprocessable": 422,
    "too_many_requests": 429,
}
OFFERS = "/api/v2/internship_offers"
YEAR = [f"2024-W{number:02}" for number in range(36, 53)] + [f"2025-W{number:02}" for number in range(1, 23)]


class Caller:
    """A raw client of the simulated site, with the accounts and offers of the recordings."""

    def __init__(self, session: aiohttp.ClientSession, simulator: NationalSimulator, time: SteppedTime) -> None:
        self.session = session
        self.simulator = simulator
        self.time = time
        self.token = ""

    async def login(self, operator: Operator) -> None:
        body = {"email": operator.email, "password": operator.password}
        async with self.session.post("/api/v2/auth/login", json=body) as response:
            self.token = (await response.json())["token"]

    async def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with self.session.request(method, path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def create(self, **changes: Any) -> tuple[int, Any]:
        return await self.call("POST", OFFERS, {"internship_offer": body_of(**changes)})


def body_of(**changes: Any) -> dict[str, Any]:
    """The body of the recorded creation."""
    return {
        "title": "title",
        "description": "description",
        "employer_name": "employer_name",
        "employer_description": "employer_description",
        "employer_website": "http://google.fr",
        "siret": "11122233300000",
        "street": "Avenue de l'opéra",
        "zipcode": "75002",
        "city": "Paris",
        "sector_uuid": "s25",
        "remote_id": "test",
        "max_candidates": 2,
        "grades": ["troisieme"],
        "weeks": ["2025-W21", "2025-W22"],
        "permalink": "http://monsite.com",
        **changes,
    }


@pytest.fixture
def time() -> SteppedTime:
    return SteppedTime(at("2025-03-01T00:00:00"))


@pytest.fixture
async def caller(simulator: NationalSimulator, time: SteppedTime, operator: Operator) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(simulator.url) as session:
        caller = Caller(session, simulator, time)
        await caller.login(operator)
        yield caller


Replay: TypeAlias = Callable[[Caller], Awaitable[tuple[int, Any]]]


async def _unauthorized(method: str, path: str, caller: Caller) -> tuple[int, Any]:
    return await caller.call(method, path, token="none")


async def _too_many(path: str, caller: Caller) -> tuple[int, Any]:
    for _ in range(100):
        await caller.call("GET", path)
    return await caller.call("GET", path)


async def _create_nothing(caller: Caller) -> tuple[int, Any]:
    return await caller.call(
        "POST", OFFERS, {"internship_offer": {"title": "", "grades": ["troisieme"], "weeks": ["2025-W25"]}}
    )


async def _create_twice(caller: Caller) -> tuple[int, Any]:
    await caller.create(remote_id="2")
    return await caller.create(remote_id="2")


async def _create_without_street(caller: Caller) -> tuple[int, Any]:
    return await caller.create(
        street=None, coordinates={"latitude": 90, "longitude": 14}, weeks=["2025-W21", "2025-W22", "2025-W23"]
    )


async def _update_some(caller: Caller) -> tuple[int, Any]:
    await caller.create(remote_id="1", weeks=YEAR, employer_website=None)
    body = {"title": "hellow", "max_candidates": 2, "published_at": None, "is_public": True, "period": 2}
    return await caller.call("PATCH", f"{OFFERS}/1", {"internship_offer": body})


async def _update_with(caller: Caller, name: str, body: Any) -> tuple[int, Any]:
    await caller.create(remote_id="1")
    return await caller.call("PATCH", f"{OFFERS}/{name}", body)


async def _update_another(caller: Caller) -> tuple[int, Any]:
    await caller.create(remote_id="1")
    await caller.login(caller.simulator.add_operator("other@example.org", PASSWORD))
    return await caller.call("PATCH", f"{OFFERS}/1", {"internship_offer": {"title": ""}})


async def _delete(caller: Caller, *, times: int = 1) -> tuple[int, Any]:
    body = {
        name: value
        for name, value in body_of(remote_id="3", employer_website=None).items()
        if name not in {"grades", "weeks"}
    }
    await caller.call("POST", "/api/v1/internship_offers", {"internship_offer": {**body, "period": 1}}, token=OLD_TOKEN)
    for _ in range(times - 1):
        await caller.call("DELETE", f"{OFFERS}/3")
    return await caller.call("DELETE", f"{OFFERS}/3")


async def _index(caller: Caller) -> tuple[int, Any]:
    for number in ("3", "4"):
        await caller.create(remote_id=number, weeks=YEAR, employer_website=None)
    return await caller.call("GET", OFFERS)


async def _search(caller: Caller) -> tuple[int, Any]:
    for number in range(1, 32):
        caller.simulator.publish_on_site(
            title=f"Stage de 2de - {number}",
            description="Lorem ipsum dolor",
            employer_name="Octo",
            street="1 rue du poulet",
            zipcode="75001",
            city="Paris",
            coordinates=(48.866667, 2.333333),
            sector="s25",
            is_public=True,
            weeks=("2025-W25",),
            grades=("seconde",),
        )
    return await caller.call("GET", f"{OFFERS}/search?page=2")


async def _search_without_right(caller: Caller) -> tuple[int, Any]:
    await caller.login(caller.simulator.add_operator("other@example.org", PASSWORD))
    return await caller.call("GET", f"{OFFERS}/search")


REPLAYS: dict[str, Replay] = {
    "internship_offers/create/bad_request.json": _create_nothing,
    "internship_offers/create/conflict.json": _create_twice,
    "internship_offers/create/created.json": lambda caller: caller.create(),
    "internship_offers/create/unauthorized.json": lambda caller: _unauthorized("POST", OFFERS, caller),
    "internship_offers/create/unprocessable_entity_bad_data.json": _create_without_street,
    "internship_offers/create/unprocessable_entity_bad_payload.json": lambda caller: caller.call("POST", OFFERS, {}),
    "internship_offers/create/unprocessable_entity_missing_mandatory_weeks.json": lambda caller: caller.create(
        grades=["seconde"]
    ),
    "internship_offers/create/unprocessable_entity_mixed_grades.json": lambda caller: caller.create(
        grades=["troisieme", "seconde"]
    ),
    "internship_offers/destroy/conflict.json": lambda caller: _delete(caller, times=2),
    "internship_offers/destroy/not_found.json": lambda caller: caller.call("DELETE", f"{OFFERS}/foo"),
    "internship_offers/destroy/ok.json": _delete,
    "internship_offers/destroy/unauthorized.json": lambda caller: _unauthorized("DELETE", f"{OFFERS}/3", caller),
    "internship_offers/index/success.json": _index,
    "internship_offers/index/unauthorized.json": lambda caller: _unauthorized("GET", OFFERS, caller),
    "internship_offers/search/success.json": _search,
    "internship_offers/search/too_many_requests.json": lambda caller: _too_many(f"{OFFERS}/search", caller),
    "internship_offers/search/unauthorized.json": _search_without_right,
    "internship_offers/update/bad_request.json": lambda caller: _update_with(
        caller, "1", {"internship_offer": {"description": "a" * 1502}}
    ),
    "internship_offers/update/forbidden.json": _update_another,
    "internship_offers/update/not_found.json": lambda caller: _update_with(
        caller, "foo", {"internship_offer": {"description": "a" * 1502}}
    ),
    "internship_offers/update/ok.json": _update_some,
    "internship_offers/update/unauthorized.json": lambda caller: _unauthorized("PATCH", f"{OFFERS}/1", caller),
    "internship_offers/update/unprocessable_entity_bad_payload.json": lambda caller: _update_with(caller, "1", {}),
    "sectors/index/success.json": lambda caller: caller.call("GET", "/api/v2/sectors"),
    "sectors/index/too_many_requests.json": lambda caller: _too_many("/api/v2/sectors", caller),
    "sectors/index/unauthorized.json": lambda caller: _unauthorized("GET", "/api/v2/sectors", caller),
}


@pytest.mark.samples
def test_every_recorded_answer_is_replayed_but_for_the_two_stale_ones(samples: Path) -> None:
    folder = samples / "national-v2"
    recorded = {str(path.relative_to(folder)) for path in folder.glob("*/**/*.json")}
    assert recorded == REPLAYS.keys() | STALE
    assert 26 == len(REPLAYS)


@pytest.mark.samples
@pytest.mark.parametrize("name", REPLAYS)
async def test_the_simulated_site_answers_as_recorded(name: str, samples: Path, caller: Caller) -> None:
    recorded = orjson.loads((samples / "national-v2" / name).read_bytes())
    status, body = await REPLAYS[name](caller)
    assert _status_of(name) == status, body
    assert shape(recorded) == shape(body)
    if "error" in recorded:
        assert recorded == body


def _status_of(name: str) -> int:
    file = Path(name).stem
    if name.endswith("create/unprocessable_entity_bad_data.json"):
        return 201  # the recording's name is wrong: its body is a creation's
    return next(status for words, status in STATUSES.items() if file.startswith(words))


@pytest.mark.samples
async def test_values_of_writes_are_those_recorded(samples: Path, caller: Caller) -> None:
    recorded = orjson.loads((samples / "national-v2/internship_offers/create/created.json").read_bytes())
    _, created = await caller.create(coordinates={"latitude": 48.8602244, "longitude": 2.333})
    assert recorded == created
    recorded = orjson.loads((samples / "national-v2/internship_offers/update/ok.json").read_bytes())
    _, updated = await _update_some(caller)
    assert (recorded["weeks"], recorded["grades"], None) == (
        updated["weeks"],
        updated["grades"],
        updated["published_at"],
    )


@pytest.mark.samples
async def test_values_of_lists_are_those_recorded(samples: Path, caller: Caller) -> None:
    recorded = orjson.loads((samples / "national-v2/internship_offers/search/success.json").read_bytes())
    _, page = await _search(caller)
    different = {"url", "image", "id", "title", "description"}
    item, ours = recorded["internshipOffers"][0], page["internshipOffers"][0]
    assert {name: item[name] for name in item if name not in different} == {
        name: ours[name] for name in ours if name not in different
    }
    assert f"{caller.simulator.url}/offres-de-stage/1?page=2&utm_source=operator-1" == ours["url"]


async def test_trap_15_deleting_anothers_offer_is_not_found(caller: Caller) -> None:
    await caller.create(remote_id="1")
    await caller.login(caller.simulator.add_operator("other@example.org", PASSWORD))
    assert 404 == (await caller.call("DELETE", f"{OFFERS}/1"))[0]


async def test_trap_15_malformed_weeks_are_dropped_or_break_the_site(caller: Caller) -> None:
    await caller.create(remote_id="1")
    weeks = {"grades": ["troisieme"], "weeks": ["2025-W21", "2020-Wsem9-23"]}
    status, body = await caller.call("PATCH", f"{OFFERS}/1", {"internship_offer": weeks})
    assert (200, ["2025-W21"]) == (status, body["weeks"])
    assert 500 == (await caller.call("PATCH", f"{OFFERS}/1", {"internship_offer": {"weeks": ["lundi"]}}))[0]


@pytest.mark.samples
async def test_the_documented_request_is_refused_unchanged(samples: Path, caller: Caller) -> None:
    """It lacks grades and weeks, and its sector is none of the list; with these it is taken."""
    request = orjson.loads((samples / "national-v2/request_create.json").read_bytes())
    assert 422 == (await caller.call("POST", OFFERS, request))[0]
    offer = {**request["internship_offer"], "grades": ["troisieme"], "weeks": ["2025-W21"]}
    status, body = await caller.call("POST", OFFERS, {"internship_offer": offer})
    assert (400, ["Missing sector"]) == (status, body["error"]["sector"])
    assert 201 == (await caller.call("POST", OFFERS, {"internship_offer": {**offer, "sector_uuid": "s1"}}))[0]
