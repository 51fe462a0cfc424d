"""The impact of a release, by stored warnings and by verdicts on stored forms: one fact for API, page and command."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from gateway.api.impact import IMPACTS
from gateway.federation.impact import EXAMPLES, find_impact
from gateway.protocol.identity import partition_of
from gateway.protocol.record import change_record, read_offer
from gateway.protocol.topic import OFFERS
from tests.api.write.gateway_harness import offer
from tests.federation.office import HEADERS, Office, opened
from tests.harness import records_of
from tests.pages.desk import publish
from tests.pages.signing import SIGNED
from tests.schemas.evolution.mutation import PRESENT
from tests.schemas.evolution.scratch import scratch_tree

pytestmark = pytest.mark.slow
OWN = SIGNED.platform
OTHER = "normandie"
SIGN = "\u200b"
DAY = schemas.catalogue()["text-invisible"].error_from


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Twelve offers of one platform that warn by ``text-invisible``, one of the other; one was redacted."""
    async with opened(tmp_path / "office") as office:
        warned = [offer(number, platform=OWN, title=f"Un ti{SIGN}tre {number}") for number in range(2, 14)]
        site = office.desk.site
        await publish(site, [*warned, offer(14, platform=OWN, description="Écrivez à jean@exemple.fr.")])
        await office.desk.federation.partners.save(SIGNED.__class__(platform=OTHER, name="Autre", scopes=SIGNED.scopes))
        await publish(site, [offer(1, platform=OTHER, title=f"Un ti{SIGN}tre")])
        await office.desk.settled()
        yield office


async def ask(office: Office, query: str = "", platform: str | None = None, status: int = 200) -> Any:
    headers = HEADERS if platform is None else {"Authorization": f"Bearer {platform}/offers:publish"}
    answer = await office.desk.site.client.get(f"/v1/impact{query}", headers=headers)
    body = await answer.json()
    assert status == answer.status, body
    return body


async def test_a_second_question_of_a_platform_has_a_code_of_its_own(office: Office) -> None:
    """ERR-008"""
    site = office.desk.site
    with site.app[IMPACTS].one(OWN):
        answer = await site.client.get("/v1/impact", headers={"Authorization": f"Bearer {OWN}/offers:publish"})
    found = answer.status, (await answer.json())["code"], answer.headers["Retry-After"]
    assert (503, "impact-busy", "5") == found


async def test_a_rule_with_a_day_counts_by_stored_warnings(office: Office) -> None:
    """EVO-003: offers by platform, ten examples each; what was cleaned is said."""
    body = await ask(office)
    (rule,) = body["warned"]
    numbers = {one["platform"]: (one["offers"], len(one["examples"])) for one in rule["platforms"]}
    assert ("text-invisible", DAY and DAY.isoformat(), 13) == (rule["rule"], rule["error_from"], rule["offers"])
    assert {OWN: (12, EXAMPLES), OTHER: (1, 1)} == numbers
    assert {"live": 15, "examined": 15, "cleaned": 14, "lower_bound": True, "rules": []} == body["judged"]


async def test_a_platform_reads_its_own_numbers_only(office: Office) -> None:
    """EVO-003."""
    body = await ask(office, platform=OWN)
    assert [OWN] == [one["platform"] for rule in body["warned"] for one in rule["platforms"]]
    assert 14 == body["judged"]["live"]
    assert "scope-missing" == (await ask(office, f"?platform={OTHER}", OWN, 403))["code"]


async def test_a_release_that_is_not_on_file_is_refused(office: Office) -> None:
    for name in ("1.0-1999.01", "..", "/tmp", "."):
        assert "parameter-invalid" == (await ask(office, f"?release={name}", status=400))["code"]


async def test_a_command_that_can_judge_nothing_ends_with_2_and_a_remedy(office: Office) -> None:
    for words, named in ((["1.0-1999.01"], schemas.RELEASE), (["--platform", "nowhere"], OWN)):
        ended = await asyncio.to_thread(office.run, "schema", "impact", *words)
        assert (2, True) == (ended.code, named in ended.errors)


async def test_the_release_in_force_may_be_named(office: Office) -> None:
    assert await ask(office) == await ask(office, f"?release={schemas.RELEASE}")


async def test_api_page_and_command_give_the_same_facts(office: Office) -> None:
    """EVO-003."""
    body = await ask(office)
    ended = await asyncio.to_thread(office.run, "schema", "impact", "--json")
    assert (1, body) == (ended.code, orjson.loads(ended.output))
    for path, of in (("/exploitation/evolutions", body), ("/en/operate/evolution", body)):
        text = await office.desk.get(path)
        for rule in of["warned"]:
            assert all(id_ in text for one in rule["platforms"] for id_ in one["examples"])
    answer = await office.desk.site.client.get("/plateforme/evolutions", headers={"Accept": "text/html"})
    own = await answer.text()
    assert (200, True, False) == (answer.status, f"{OWN}:2" in own, f"{OTHER}:1" in own)
    written = await asyncio.to_thread(office.run, "schema", "impact", "--lang", "en", "--platform", OTHER)
    assert "before they were stored: 1." in " ".join(written.output.split())


async def store(office: Office, release: str) -> str:
    """Replace the last offer of the platform by one that is stored under a release and that the present one refuses."""
    log = office.desk.federation.log
    first = next(one for one in await records_of(log, OFFERS) if (one.key or b"").endswith(b":14"))
    state = read_offer(first.key or b"", first.value or b"")
    refused = {**(state.offer or {}), "title": "x" * 151}
    record = change_record(state.id, state.known, offer=refused, territory=state.territory, release=release)
    await log.append(OFFERS, partition_of(state.id, log.partitions), [record])
    await office.desk.settled()
    return state.id


async def test_another_change_is_judged_on_the_stored_forms(office: Office, tmp_path: Path) -> None:
    """Of 14 offers five have longer titles, and one is not counted: its own release refuses it that day, too."""
    await store(office, schemas.RELEASE)
    title = {**PRESENT["offer"]["properties"]["title"], "maxLength": 10}
    body = {**PRESENT["offer"], "properties": {**PRESENT["offer"]["properties"], "title": title}}
    found = await find_impact(office.desk.federation, [OWN], scratch_tree(tmp_path / "tree", {"offer": body}))
    assert [("too-long", OWN, 5)] == [
        (rule.rule, one.platform, one.offers) for rule in found.judged.rules for one in rule.platforms
    ]


async def test_at_most_so_many_offers_are_judged(office: Office) -> None:
    found = await find_impact(office.desk.federation, [OWN, OTHER], most=3)
    assert (15, 3) == (found.judged.live, found.judged.examined)


async def test_an_offer_of_an_earlier_release_is_judged_by_the_present_one(office: Office) -> None:
    offer_id = await store(office, "0.9-2020.01")
    judged = (await ask(office))["judged"]
    affected = {"platform": OWN, "offers": 1, "examples": [offer_id]}
    assert [{"rule": "too-long", "offers": 1, "platforms": [affected]}] == judged["rules"]
