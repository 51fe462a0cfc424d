"""The page of refusals over HTTP: from a count of the systems to the reason of each, in two clicks."""

import re
from datetime import date, timedelta

import pytest

import schemas
from gateway.cli.refusals import refusals_document
from gateway.protocol.paris_time import paris_date
from gateway.protocol.receipt import ReceiptVersions, refusal_record
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.source_run import run_record
from gateway.protocol.statistics import BROKEN, Cell, CountRecord, count_record
from gateway.protocol.topic import DAY_MS, RECEIPTS, RUNS, STATISTICS
from gateway.store.refused_documents import RefusedFilter
from tests.pages.desk import Desk, desk_of
from tests.pages.feeds import FAILING, add_refusals, append, problem, runs
from tests.pages.partner.seeded import OTHER
from tests.pages.signing import SIGNED
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

PATH = "/exploitation/refus"
SIRET = "/employer/siret"
BLANK = f"{OTHER.platform}:blank"
_RECEIPTS = 'id="newest-heading"'
_RULES = 'id="rules-heading"'


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    """Refusals of ``SIGNED`` yesterday and of ``OTHER`` today, refused receipts, a feed with refused items."""
    desk = await desk_of(site)
    federation = site.harness.federation
    await federation.partners.save(OTHER)
    counts = {
        Cell("2026-11-29", SIGNED.platform, "refused", "week-malformed", ""): 12,
        Cell("2026-11-29", SIGNED.platform, "refused", "siret-invalid", ""): 5,
        Cell("2026-11-29", SIGNED.platform, "refused", BROKEN, ""): 12,
        Cell("2026-11-30", OTHER.platform, "rejected", "week-malformed", ""): 3,
        Cell("2026-11-30", OTHER.platform, "rejected", BROKEN, ""): 3,
        Cell("2026-11-30", OTHER.platform, "accepted", "", ""): 99,
    }
    now = federation.clock()
    named = (
        RefusedDocument(platform=OTHER.platform, at=now - 60_000, id=BLANK, fields={"text-blank": "/title"}),
        RefusedDocument(platform=SIGNED.platform, at=now - DAY_MS, index=7, fields={"siret-invalid": SIRET}),
    )
    await append(federation.log, STATISTICS, count_record(CountRecord("test", 1, counts, named)))
    await append(federation.log, RUNS, run_record(next(runs(federation.clock()))))
    await add_refusals(federation.log, now=federation.clock())
    await desk.settled()
    return desk


def section(text: str, heading: str) -> str:
    return text.partition(heading)[2].partition("</section>")[0]


async def test_a_count_of_the_systems_leads_to_the_reason_in_two_clicks(desk: Desk) -> None:
    """The count, then the rule: sentence, remedy, the rule in the reference."""
    page = await desk.get("/exploitation")
    [link] = re.findall(rf'href="({PATH}\?platform={SIGNED.platform}[^"]*)">12<', page)
    text = await desk.get(link)
    assert "12 offres refusées (7 jours)\u00a0: Occitanie" in text
    rules = section(text, _RULES)
    assert "Semaine mal formée." in rules
    assert "Écrivez l’année" in rules
    assert "/reference/OFR-023" in rules
    assert rules.index("week-malformed") < rules.index("siret-invalid")
    [narrowed] = re.findall(rf'href="({PATH}[^"]*rule=siret-invalid)"', rules)
    text = await desk.get(narrowed)
    assert "5 offres refusées" in text
    assert "week-malformed" not in section(text, _RULES)


async def test_a_receipt_is_found_by_a_rule_beyond_its_first_problems(desk: Desk) -> None:
    """A refused message names ten problems; ``codes`` has all of its rules."""
    found = problem("week-malformed", actual="2027-W9")
    record = refusal_record(
        receipt="r-many",
        publisher="bretagne",
        log_position="inbox.bretagne/0/99",
        at=desk.federation.clock(),
        versions=ReceiptVersions(schemas.SCHEMA_VERSION, schemas.RULES_VERSION),
        problems=[found] * 10,
        about={"id": "bretagne:many", "revision": 1, "codes": {"week-malformed": 10, "siret-invalid": 1}},
    )
    await append(desk.federation.log, RECEIPTS, record)
    await desk.settled()
    for rule, is_there in (("siret-invalid", True), ("week-malformed", True), ("text-blank", False)):
        newest = section(await desk.get(f"{PATH}?platform=bretagne&rule={rule}"), _RECEIPTS)
        assert is_there == ("bretagne%3Amany" in newest), rule


async def test_each_refused_receipt_has_sentence_pointer_remedy_and_links(desk: Desk) -> None:
    newest = section(await desk.get(f"{PATH}?platform=bretagne"), _RECEIPTS)
    assert 4 == newest.count('class="problem blocked"')
    for part in ("«\u00a02027-W9\u00a0»", "<code>/weeks/0</code>", "Écrivez l’année", "/reference/OFR-023"):
        assert part in newest
    [link] = set(re.findall(r'href="(/exploitation/offre\?id=bretagne%3Arefused-2)"', newest))
    offer = await desk.get(link)
    assert "Elle n’est pas en ligne" in offer
    assert "Refusée" in offer
    assert "Retirer" not in offer
    assert "normandie%3Arefused-9" in section(await desk.get(PATH), _RECEIPTS)


async def test_a_refusal_at_the_door_is_named_by_id_or_number_with_its_field(desk: Desk) -> None:
    """PUB-003: a 422 has no receipt; the page of its offer says what was refused, though none was ever accepted."""
    newest = section(await desk.get(f"{PATH}?platform={OTHER.platform}"), _RECEIPTS)
    assert "<code>/title</code>" in newest
    assert "Texte vide." in newest
    text = await desk.get(PATH)
    assert text.index('id="platforms-heading"') < text.index('id="rules-heading"'), "whose they are comes first"
    rules = section(text, _RULES)
    assert "Champ en cause\u00a0: <code>/employer/siret</code>" in rules
    [link] = re.findall(rf'href="(/exploitation/offre\?id={OTHER.platform}%3Ablank)"', newest)
    offer = await desk.get(link)
    assert "Refusée dès sa réception" in offer
    assert "<code>/title</code>" in offer
    assert "Retirer" not in offer
    newest = section(await desk.get(f"{PATH}?platform={SIGNED.platform}&day=2026-11-29"), _RECEIPTS)
    assert "élément 8 d’un envoi" in newest
    assert f"<code>{SIRET}</code>" in newest


async def test_filters_combine_and_days_are_whole(desk: Desk) -> None:
    """Platform, rule, day: of counts and receipts alike."""
    numbers = {
        "": 15,
        "platform=normandie": 3,
        "day=2026-11-29": 12,
        "day=2026-11-28": 0,
        "rule=week-malformed": 15,
        "rule=week-malformed&platform=occitanie": 12,
        "rule=siret-invalid&day=2026-11-30": 0,
        "days=1": 3,
        "rule=never": 0,
    }
    for query, number in numbers.items():
        heading = re.findall(r"<h1>(\d+)", await desk.get(f"{PATH}?{query}"))
        assert [str(number)] == heading, query
    receipts = {
        "rule=employer-undescribed": 1,
        "rule=never": 0,
        "day=2026-11-29": 3,
        "days=1": 4,
        "platform=normandie": 2,
        "rule=text-blank": 1,
        "rule=siret-invalid": 1,
    }
    for query, number in receipts.items():
        newest = section(await desk.get(f"{PATH}?{query}"), _RECEIPTS)
        assert number == newest.count('class="problem blocked"'), query


async def test_what_a_feed_refused_is_named_though_it_has_no_receipt(desk: Desk) -> None:
    text = await desk.get(f"{PATH}?platform={FAILING}")
    assert f'12 éléments, dont <a href="/exploitation/offre?id={FAILING}%3A2027-0014">' in text
    assert "12 éléments" not in await desk.get(f"{PATH}?platform={FAILING}&rule=never")
    assert "12 éléments" not in await desk.get(f"{PATH}?platform={SIGNED.platform}")


@pytest.mark.parametrize(
    "query",
    [
        "platform=never",
        "days=8",
        "days=x",
        "rule=A",
        "rule=<b>",
        "day=2026-13-01",
        "day=x",
        "day=２０26-11-30",
        "day=2026-11-31",
    ],
)
async def test_a_filter_that_cannot_be_is_refused(desk: Desk, query: str) -> None:
    await desk.get(f"{PATH}?{query}", 400)


async def test_the_same_in_english(desk: Desk) -> None:
    text = await desk.get("/en/operate/refusals?day=2026-11-29")
    assert "12 refused offers on 29\u00a0November\u00a02026" in text
    assert "This rule alone" in text


@pytest.mark.parametrize("rule", ["", "week-malformed"])
async def test_the_command_has_the_numbers_and_the_words_of_the_page(desk: Desk, rule: str) -> None:
    last = date.fromisoformat(paris_date(desk.federation.clock()))
    wanted = RefusedFilter(first=last - timedelta(days=6), last=last, rule=rule)
    document = await refusals_document(desk.federation, wanted)
    page = " ".join(re.sub(r"<[^>]+>", "", await desk.get(f"/en/operate/refusals?rule={rule}")).split())
    reasons = [one for refusal in (*document["newest"], *document["feeds"]) for one in refusal.get("reasons", ())]
    reasons += [one for feed in document["feeds"] for one in feed["refused"]]
    assert not rule or {rule} == {one["rule"] for one in reasons}
    sends = [one["sends"] for one in document["days"].values()]
    assert document["total"]["sends"] == sum(sends) == sum(one["sends"] for one in document["platforms"].values()) > 0
    words = [" ".join(text.split()) for one in reasons for text in (one["message"], one["fix"]) if text]
    assert [] == [text for text in words if text not in page]
    assert len(words) > 2
