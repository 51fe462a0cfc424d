"""Wrong gateways of the table: each differs from the right one in what it answers, and a case catches it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
import orjson
import pytest
import pytest_asyncio

from conformance.model.result import Result
from conformance.target.setup import Setup
from tests.conformance.gateway_fixture import HOST
from tests.conformance.independent_fixture import report_missing
from tests.conformance.matrix import caught, play_program
from tests.conformance.mutants.programs import READER, WRONG_PROGRAMS, WrongProgram, wrong_gateway

pytestmark = pytest.mark.slow

_TOGETHER = 6
_VARIES = {"cursor", "fresh", "receipt", "at", "position", "digest", "last_success", "detail"}
_SEQUENCE = 10**12
_SIGNS = "Menuiserie № 4\u202f: l’atelier d'Émile & Co"
_BOX = "-2,48,-1,49"


@pytest.fixture(scope="module", autouse=True)
def node() -> None:
    report_missing(pytest.fail, pytest.skip)


class Caller:
    """Calls a gateway, and writes down what it answers, without what differs from run to run."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession) -> None:
        self.setup = setup
        self.session = session
        self.tokens: dict[str, str] = {}
        self.heard: list[Any] = []

    async def token(self, account: str, scope: str | None = None) -> str:
        known = self.setup.accounts[account]
        form = {"grant_type": "client_credentials", "client_id": known.client_id, "client_secret": known.secret}
        form |= {} if scope is None else {"scope": scope}
        async with self.session.post(f"{self.setup.target}/oauth/token", data=form) as response:
            return str((await response.json())["access_token"])

    async def ask(self, who: str, method: str, path: str, body: Any = None, scope: str | None = None) -> Any:
        name = f"{who} {scope}"
        if name not in self.tokens:
            self.tokens[name] = await self.token(who, scope)
        headers = {"Authorization": f"Bearer {self.tokens[name]}", "Prefer": "wait=5"}
        data = None if body is None else orjson.dumps(body)
        headers |= {} if body is None else {"Content-Type": "application/json"}
        async with self.session.request(method, self.setup.target + path, headers=headers, data=data) as response:
            answer = orjson.loads(await response.read())
            self.heard.append((name, method, path.partition("cursor=")[0], response.status, _lasting(answer)))
            return answer

    async def publish(self, offer: str, revision: int, **parts: Any) -> None:
        who = {"bretagne": "publisher", "normandie": "neighbour"}[offer.partition(":")[0].lower()]
        await self.ask(who, "PUT", f"/v1/offers/{offer}", _document(offer, revision, **parts))

    async def withdraw(self, offer: str, revision: int) -> None:
        who = {"bretagne": "publisher", "normandie": "neighbour"}[offer.partition(":")[0].lower()]
        await self.ask(who, "DELETE", f"/v1/offers/{offer}?revision={revision}&reason=filled")

    async def read(self, who: str, query: str, cursor: str = "", path: str = "/v1/changes") -> str:
        """Read to the end, in at most nine pages; the last cursor."""
        for _ in range(9):
            page = await self.ask(who, "GET", f"{path}?{query}" + (f"&cursor={cursor}" if cursor else ""))
            cursor = page.get("cursor") or cursor
            if not page.get("more"):
                break
        return cursor


def _lasting(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_lasting(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    kept = {name: _lasting(value) for name, value in answer.items() if name not in _VARIES}
    return {**kept, "sequence": kept["sequence"] > _SEQUENCE} if "sequence" in kept else kept


_RENNES = {"postal_code": "35000", "city": "Rennes", "latitude": 48.11, "longitude": -1.68}
_BREST = {"postal_code": "29200", "city": "Brest"}
_CAEN = {"postal_code": "14000", "city": "Caen"}


def _document(offer: str, revision: int, **parts: Any) -> dict[str, Any]:
    return {
        "id": offer,
        "revision": revision,
        "title": "Atelier",
        "description": "Observer.\n\nPuis\u00a0demander.",
        "employer": {"name": "Atelier du Port", "description": "Menuiserie."},
        "location": _RENNES,
        "levels": ["troisieme"],
        "weeks": ["2027-W24"],
        "sector": "s5",
        "apply_url": f"https://Stages.example/{offer.partition(':')[2]}",
        **parts,
    }


async def scenario(call: Caller) -> None:
    """What a publisher, its neighbour and readers may do in an hour."""
    masks = {"redistribution": {"mask_employer": True}, "extensions": {"bretagne": {"a": 1}}}
    hides = {"redistribution": {"regions": False}}
    schools = {"restrictions": {"schools": ["0350001L"]}, "levels": ["troisieme"]}
    own_host = {"apply_url": f"https://{HOST}/x"}
    await call.publish(
        "bretagne:a", 1, title=_SIGNS + " \U0001f468\u200d\U0001f469.", extensions={"bretagne": {"n": None}}
    )
    await call.publish("bretagne:b", 1, **masks)
    await call.publish(
        "bretagne:c", 1, levels=["seconde"], weeks=["2027-W24", "2027-W25"], sector="s12", location=_BREST
    )
    await call.publish("normandie:d", 1, weeks=["2027-W25"], sector="s1", location=_CAEN, levels=["quatrieme"])
    await call.publish("normandie:e", 1, **hides)
    await call.publish("normandie:f", 1, **own_host)
    await call.publish("normandie:g", 1)
    readers = ("publisher", "neighbour", "subscriber", "national")
    filters = [
        "territory=all&limit=2",
        "territory=all&limit=100",
        "limit=100",
        "territory=all&level=troisieme&limit=100",
    ]
    filters += [f"territory=all&bbox={_BOX}", f"territory=all&bbox={_BOX}&level=troisieme", "region=53"]
    begun = {(who, query): await call.read(who, query) for who in readers for query in filters}
    for who in readers:
        await call.ask(who, "GET", "/v1/platforms")
    for query in (
        *(
            "level=seconde,troisieme",
            "level=quatrieme,seconde",
            "week=2027-W24,2027-W25",
            "sector=s12,s5",
            "sector=s1,s12",
        ),
        *("platform=bretagne,occitanie", "platform=bretagne", "platform=normandie,bretagne", "sector=s1&sector=s5"),
        *("region=28,53", "department=14,35", "department=29,35", "level=seconde&week=2027-W25", "sector=s12"),
    ):
        for path in ("/v1/changes", "/v1/offers"):
            await call.read("subscriber", query if query[:3] in {"reg", "dep"} else f"territory=all&{query}", path=path)
    for path in ("/v1/offers", "/v1/changes"):
        for one, other in (
            *(("level=seconde", "level=troisieme"), ("week=2027-W24", "week=2027-W25"), ("sector=s5", "sector=s1")),
            *(
                ("level=seconde", "level=troisieme,seconde"),
                ("region=53", "region=28"),
                ("department=35", "department=29"),
            ),
            *((f"bbox={_BOX}", "bbox=-3,48,-1,49"), ("platform=bretagne", "platform=normandie"), ("territory=all", "")),
            ("level=seconde", "level=seconde,troisieme"),
        ):
            page = await call.ask("subscriber", "GET", f"{path}?limit=1&{one}")
            if page.get("cursor"):
                await call.ask("subscriber", "GET", f"{path}?limit=1&{other}&cursor={page['cursor']}")
    for query in ("limit=1&territory=all", "limit=2&territory=all", "platform=bretagne,normandie&territory=all"):
        for who in readers:
            await call.read(who, query, path="/v1/offers")
    await _follow(call, begun, masks=masks, hides=hides, schools=schools, own_host=own_host)
    await _scopes(call)
    await _states(call)


async def _follow(call: Caller, begun: dict[tuple[str, str], str], **parts: Any) -> None:
    """What happens behind the end of the feed."""
    await call.publish("bretagne:a", 2, title="Atelier d’Émile №\u202f4 & Co.", extensions={"bretagne": {"n": None}})
    await call.publish("bretagne:b", 2, **parts["masks"])
    await call.publish("bretagne:c", 2, **parts["schools"])
    await call.publish("normandie:d", 2, location=_BREST, **parts["own_host"])
    await call.publish("normandie:g", 2, **parts["hides"])
    await call.publish("normandie:h", 1)
    await call.publish("normandie:i", 1, location=_CAEN)
    await call.withdraw("normandie:h", 2)
    for who in ("publisher", "neighbour", "subscriber"):
        await call.ask(who, "GET", "/v1/offers/bretagne:b")
        await call.ask(who, "GET", "/v1/offers/bretagne:a")
    begun = {(who, query): await call.read(who, query, cursor) for (who, query), cursor in begun.items()}
    await call.publish("normandie:g", 3)
    await call.publish("bretagne:j", 1, location=_BREST)
    begun = {(who, query): await call.read(who, query, cursor) for (who, query), cursor in begun.items()}
    await call.withdraw("bretagne:j", 2)
    await call.publish("normandie:i", 2, location=_BREST)
    begun = {(who, query): await call.read(who, query, cursor) for (who, query), cursor in begun.items()}
    for who in ("publisher", "neighbour", "subscriber", "national"):
        await call.ask(who, "GET", "/v1/platforms")
    polls = (
        ("neighbour", "territory=all&limit=100"),
        ("neighbour", f"territory=all&bbox={_BOX}"),
        ("publisher", "territory=all&limit=2"),
    )
    for number, (who, query) in enumerate(polls, start=3):
        cursor = await call.read(who, query, begun[who, query])
        for changes in (call.publish("bretagne:b", number, **parts["masks"]), call.publish("bretagne:c", number)):
            poll = asyncio.ensure_future(call.ask(who, "GET", f"/v1/changes?{query}&wait=1&cursor={cursor}"))
            await asyncio.sleep(0.2)
            await changes
            cursor = (await poll)["cursor"]


async def _scopes(call: Caller) -> None:
    """Each address under each scope alone."""
    await call.publish("bretagne:k", 1)
    wrong = {"titel": "x"}
    for who, scope in (("operator", "operate"), ("publisher", "offers:publish"), ("publisher", "offers:read")):
        for path in (
            "/v1/offers?limit=1",
            "/v1/changes?limit=1",
            "/v1/offers/bretagne:k",
            "/v1/receipts?limit=1",
            "/v1/receipts/r1",
        ):
            await call.ask(who, "GET", path, scope=scope)
        slug = call.setup.accounts[who].platform
        await call.ask(who, "PUT", f"/v1/offers/{slug}:l", wrong, scope=scope)
        await call.ask(who, "PUT", f"/v1/offers/{slug}:l", _document(f"{slug}:l", 1), scope=scope)
        await call.ask(who, "DELETE", f"/v1/offers/{slug}:l?revision=2", scope=scope)
    await call.ask("operator", "GET", "/v1/platforms")


async def _states(call: Caller) -> None:
    """Revisions from 5 on, markers, and addresses in capitals."""
    for revision in (5, 6, 9, 10, 7):
        await call.publish("bretagne:m", revision)
    await call.publish("bretagne:m", 11, title="Autre")
    await call.publish("bretagne:m", 10)
    await call.withdraw("bretagne:m", 8)
    await call.publish("bretagne:n", 5)
    await call.withdraw("bretagne:n", 6)
    await call.publish("bretagne:n", 3, title="Autre")
    await call.withdraw("bretagne:n", 8)
    await call.publish("bretagne:n", 7, title="Autre")
    await call.withdraw("bretagne:o", 5)
    await call.publish("bretagne:o", 3)
    await call.ask("publisher", "GET", "/v1/offers/Bretagne:k")
    await call.ask("publisher", "DELETE", "/v1/offers/Bretagne:k?revision=4")
    await call.ask("publisher", "PUT", "/v1/offers/Bretagne:p", _document("bretagne:p", 1))
    page = await call.ask("publisher", "GET", "/v1/receipts?limit=1&verdict=accepted")
    await call.ask("publisher", "GET", f"/v1/receipts?limit=1&verdict=stale&cursor={page.get('cursor', '')}")


async def heard(mutant: WrongProgram) -> list[Any]:
    async with wrong_gateway(mutant) as setup, aiohttp.ClientSession() as session:
        caller = Caller(setup, session)
        await scenario(caller)
    return caller.heard


Found = TypeVar("Found")


async def _of_all(
    found: Callable[[WrongProgram], Awaitable[Found]], programs: Mapping[str, WrongProgram]
) -> dict[str, Found]:
    """What is found of each, several at once."""
    gate = asyncio.Semaphore(_TOGETHER)

    async def find(mutant: WrongProgram) -> Found:
        async with gate:
            return await found(mutant)

    return dict(zip(programs, await asyncio.gather(*map(find, programs.values())), strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def answered() -> Mapping[str, list[Any]]:
    """What each gateway of the table answers, and the right one to either subscriber."""
    right = {
        name: WrongProgram(name, "", "", (), subscriber=reader) for name, reader in (("", None), ("placed", READER))
    }
    return await _of_all(heard, {**WRONG_PROGRAMS, **right})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def named() -> Mapping[str, Sequence[Result]]:
    """The results of each in the cases that it names."""
    return await _of_all(play_program, WRONG_PROGRAMS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WRONG_PROGRAMS)
def test_a_wrong_gateway_answers_otherwise_than_the_right_one(name: str, answered: Mapping[str, list[Any]]) -> None:
    right = answered["placed" if WRONG_PROGRAMS[name].subscriber else ""]
    assert right != answered[name], WRONG_PROGRAMS[name].fault


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WRONG_PROGRAMS)
def test_a_wrong_gateway_is_caught_by_a_case_of_what_it_violates(
    name: str, named: Mapping[str, Sequence[Result]]
) -> None:
    assert caught(WRONG_PROGRAMS[name], named[name]).by, WRONG_PROGRAMS[name].fault
