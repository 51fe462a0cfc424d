"""The report: the same verdict as everywhere, ordered for a reader, bounded, and without a clock or a network."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import date
from functools import partial

import orjson
import pytest

import schemas
from adapters.profile.profile import profiles
from adapters.pull.sample import evaluate_sample
from gateway.bootstrap.page_work import Judges, check
from gateway.pages.check.examples import example_of, next_mondays, with_weeks
from gateway.pages.check.relayed import week
from gateway.pages.check.report import Report, examine
from schemas.rulebook import LANGUAGES, Language
from tests.pages.check.offers import DAY, FEED, REFUSED, SOUND, sound

JUDGES = Judges()


def report(content: bytes, *, choice: str = "auto", language: Language = "fr", spent: float = 0.0) -> Report:
    return examine(content, choice=choice, language=language, on=DAY, engine=JUDGES, spent=lambda: spent)


def test_errors_come_first_each_in_the_order_of_the_document() -> None:
    found = report(REFUSED.encode())
    assert (found.outcome, found.errors, found.warnings, found.format) == ("refused", 2, 2, "offer")
    assert [(one.severity, one.code, one.requirement, one.quote and one.quote.line) for one in found.problems] == [
        ("error", "siret-checksum", "OFR-014", 8),
        ("error", "week-malformed", "OFR-023", 13),
        ("warning", "personal-data", "OFR-034", 5),
        ("warning", "not-deliverable:apply-url-word", "NAT-001", 16),
    ]
    assert found.rules == dict.fromkeys((one.code for one in found.problems), 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_are_those_of_the_catalogue(language: Language) -> None:
    verdict = schemas.check(REFUSED.encode(), on=DAY)
    bodies = [problem.to_json() for problem in verdict.problems]
    expected = {one["code"]: (one["message"][language], one["fix"][language]) for one in bodies}
    found = report(REFUSED.encode(), language=language)
    assert expected == {one.code: (one.sentence, one.remedy) for one in found.problems}


def test_a_refused_offer_is_displayed_as_far_as_it_is_sound() -> None:
    found = report(REFUSED.encode()).relayed
    assert found is not None
    assert found.title == "Découverte d'un atelier de menuiserie"
    assert (found.employer, found.locality, found.canonical) == ("Atelier du Port", "Rennes (35)", None)
    assert "accueil@" not in found.description
    assert [row.label for row in found.rows if row.broken] == ["weeks", "siret"]


def test_an_accepted_offer_is_displayed_in_its_canonical_form() -> None:
    found = report(sound())
    assert (found.outcome, found.problems) == ("accepted", [])
    assert found.relayed is not None
    assert found.relayed.canonical is not None
    assert json.loads(found.relayed.canonical) == schemas.check(sound(), on=DAY).offer
    assert [(one.who, one.word, one.why) for one in found.destinations] == [
        ("own", "already", "own_why"),
        ("regions", "yes", "regions_why"),
        ("national", "yes", "national_ready"),
    ]


def test_a_masked_employer_is_masked_for_others() -> None:
    found = report(sound(redistribution={"mask_employer": True})).relayed
    assert found is not None
    assert found.canonical is not None
    assert "Atelier du Port" not in repr(found)
    assert "4 quai" not in repr(found)
    assert found.employer == "–"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"redistribution": {"regions": False}}, [("regions", "no"), ("national", "no")]),
        ({"redistribution": {"national": False}}, [("regions", "yes"), ("national", "no")]),
        ({"weeks": ["2027-W24"]}, [("regions", "yes"), ("national", "no")]),
        ({"levels": ["troisieme", "seconde"]}, [("regions", "yes"), ("national", "yes"), ("national", "yes")]),
        ({"apply_url": "https://site.example/test"}, [("regions", "yes"), ("national", "no")]),
        ({"title": ""}, [("regions", "later"), ("national", "later")]),
    ],
)
def test_an_offer_goes_where_its_content_lets_it(changes: dict[str, object], expected: list[tuple[str, str]]) -> None:
    found = report(sound(**changes)).destinations
    assert [(one.who, one.word) for one in found if one.who != "own"] == expected
    assert all(one.why or one.reasons for one in found)


def test_a_withdrawal_is_judged_as_one() -> None:
    found = report(b'{"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}')
    assert (found.outcome, found.withdrawal, found.relayed, found.destinations) == ("accepted", True, None, ())
    assert report(b'{"id": "bretagne:1", "revision": 2, "withdrawn": "lost"}').outcome == "refused"


def test_several_offers_are_counted_grouped_and_listed() -> None:
    offers = [sound(id=f"bretagne:{n}") for n in range(30)]
    offers += [sound(id=f"bretagne:w{n}", weeks=["2027-W24"]) for n in range(3)]
    offers += [sound(id=f"bretagne:x{n}", levels=["3e"]) for n in range(40)]
    found = report(b"\n".join(offers))
    assert found.format == "lines"
    assert found.counts == {"read": 73, "judged": 73, "passed": 0, "accepted": 30, "warned": 3, "refused": 40}
    assert [(one.severity, one.code, one.count) for one in found.groups] == [
        ("error", "not-in-list", 40),
        ("warning", "not-deliverable:mandatory-weeks", 3),
    ]
    assert found.groups[0].examples == (
        "bretagne:x0 (ligne\u00a034)",
        "bretagne:x1 (ligne\u00a035)",
        "bretagne:x2 (ligne\u00a036)",
    )
    assert (len(found.offers), found.more_offers) == (20, 23)
    assert (found.offers[0].number, found.offers[0].line, found.offers[0].outcome) == (31, 31, "warned")
    quote = found.offers[3].problems[0].quote
    assert quote is not None
    assert (quote.line, quote.fault) == (34, '"3e"')


def test_an_array_gives_the_same_report_as_lines() -> None:
    offers = [sound(id="bretagne:1"), sound(id="bretagne:2", levels=["3e"])]
    lines, array = report(b"\n".join(offers)), report(b"[" + b",\n".join(offers) + b"]")
    assert array.format == "array"
    assert asdict(lines) == {**asdict(array), "format": "lines"}


def test_each_verdict_is_that_of_the_gateway() -> None:
    offers = [sound(), REFUSED.encode(), b"{}", b'{"id"', b"\xff", b'{"withdrawn": "filled"}']
    flat = [offer.replace(b"\n", b" ") for offer in offers]
    found = report(b"\n".join(flat), choice="lines")
    verdicts = [schemas.check_submission(raw, on=DAY) for raw in flat]
    assert found.counts["refused"] == sum(not verdict.accepted for verdict in verdicts)
    assert found.rules == Counter(problem.code for verdict in verdicts for problem in verdict.problems)


def test_a_feed_is_judged_by_its_own_engine() -> None:
    slug = "auvergne-rhone-alpes"
    mapping = profiles()[slug].mapping
    assert mapping is not None
    expected = evaluate_sample([FEED], mapping, platform=slug, revision=1, on=DAY)
    for choice in ("auto", f"feed:{slug}"):
        found = report(FEED, choice=choice)
        assert found.format == "cleverconnect"
        assert found.profile == profiles()[slug].name
        assert found.counts["refused"] == expected.counts.refused
        listed = (*found.problems, *found.groups)
        assert [(one.code, one.count) for one in listed] == [(one["code"], one["count"]) for one in expected.problems]


@pytest.mark.parametrize(
    ("content", "unread"),
    [
        (b"", "empty"),
        (b"<rss><channel/></rss>", "unknown-xml"),
        (b"a;b\n1;2\n", "unknown"),
        (b"hello", "unknown"),
        (b"<html>", "html"),
        (b'[{"a": 1}]', "unknown-json"),
        (b"[]", "no-offer"),
        (b"%PDF-1.4", "pdf"),
    ],
)
def test_content_without_offers_is_unread_and_says_why(content: bytes, unread: str) -> None:
    found = report(content)
    assert (found.unread, found.format, found.problems) == (unread, "none", ())


def test_a_feed_with_an_entity_bomb_is_refused_by_its_rule() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><source><job>&b;</job></source>'
    found = report(bomb)
    assert [one.code for one in found.problems] == ["feed-doctype"]
    assert found.outcome == "refused"


def test_a_choice_overrides_what_is_recognised() -> None:
    assert report(b'[{"a": 1}]', choice="array").counts["refused"] == 1
    assert report(FEED, choice="offer").problems[0].code == "json-syntax"
    assert report(sound(), choice="feed:auvergne-rhone-alpes").problems[0].severity == "error"
    assert report(b"%PDF-1.4", choice="lines").unread == "pdf"


def test_time_bounds_explanations_then_lines_then_verdicts() -> None:
    offers = b"\n".join(sound(id=f"bretagne:{n}", levels=["3e"]) for n in range(5))
    assert report(offers, spent=0.5).rules == {"not-explained": 5}
    assert report(offers, spent=0.65).offers[0].problems[0].quote is None
    assert report(offers, spent=0.8).unread == "too-costly"
    ticks = iter(n / 10 for n in range(100))
    found = examine(offers, choice="auto", language="fr", on=DAY, engine=JUDGES, spent=partial(next, ticks))
    assert not found.whole
    assert 0 < found.counts["judged"] < found.counts["read"] == 5


def test_the_report_of_the_worst_content_is_bounded() -> None:
    worst = {**SOUND, **{f"k{n}": n for n in range(3_000)}, "levels": ["x"] * 300, "weeks": ["y" * 500] * 300}
    content = b"\n".join([json.dumps(worst).encode()] * 10)
    found = check(content, {"choice": "auto", "language": "fr", "on": DAY.isoformat()})
    assert len(orjson.dumps(found)) < 500_000
    alone = report(json.dumps(worst).encode())
    assert len(alone.problems) <= 101


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2027-W24", "14 au 18\u00a0juin\u00a02027 (S24)"),
        ("2027-W26", "28\u00a0juin au 2\u00a0juillet\u00a02027 (S26)"),
        ("2026-W53", "28\u00a0décembre\u00a02026 au 1er\u00a0janvier\u00a02027 (S53)"),
        ("2027-W53", ""),
        ("2027-W6", ""),
        ("x", ""),
    ],
)
def test_a_week_is_written_by_its_days(text: str, written: str) -> None:
    assert week(text, "fr") == written


@pytest.mark.parametrize("on", [date(2024, 1, 1), date(2026, 11, 28), date(2027, 6, 14), date(2027, 6, 26)])
def test_one_example_is_accepted_and_one_shows_mistakes(on: date) -> None:
    right, wrong = (
        examine(example_of(name, on).encode(), choice="auto", language="fr", on=on, engine=JUDGES, spent=lambda: 0.0)
        for name in ("right", "mistakes")
    )
    assert (right.outcome, right.problems) == ("accepted", [])
    assert wrong.outcome == "refused"
    assert len({one.code for one in wrong.problems}) >= 5
    assert {"error", "warning"} == {one.severity for one in wrong.problems}
    assert all(one.quote for one in wrong.problems)


@pytest.mark.parametrize("weeks", [["2031-W25"], ["2031-W23", "2031-W24", "2031-W25"]])
def test_a_calendar_may_have_any_number_of_mandatory_weeks(weeks: list[str]) -> None:
    """All of them are in the right example, and the first one in the other."""
    mondays = next_mondays(date(2031, 1, 1), [["2030-W24", "2030-W25"], [], weeks])
    right, wrong = (json.loads(with_weeks(name, mondays)) for name in ("right", "mistakes"))
    assert (weeks, [weeks[0], "2031-W6"]) == (right["weeks"], wrong["weeks"])
    assert ("bretagne:2031-0412", "bretagne:2031-0413") == (right["id"], wrong["id"])


def test_beyond_the_calendars_on_file_the_example_is_of_a_later_year() -> None:
    assert '"weeks": ["2040-W' in example_of("right", date(2039, 9, 1))
    assert "" == example_of("unknown", DAY)
