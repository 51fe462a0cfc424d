"""Every check of the site has a rule, a step of the mapping, or a reason why it cannot fail; each rule works both ways:
an offer that breaks the check is not delivered, and the nearest one that does not is delivered and taken by the site.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from adapters.national.mapping.body import MAX_CHARACTERS, is_reachable, remote_id
from adapters.national.mapping.deliverability import DeliverableLater, DeliveryTerms, NotDeliverable, Ready, refusals
from adapters.national.mapping.mapping import map_offer
from adapters.national.site.answer import DoneAnswer, find_dropped, outcome_of
from adapters.national.site.client import HttpSite
from schemas.rulebook import catalogue
from tests.national.site.harness import ON
from tests.national.site.site_table import PAGE, RULES, read_table, render, section
from tests.schemas.documents import GONE, changed, check, errors

TABLE = read_table()
ROWS: Mapping[str, Mapping[str, Any]] = {row["id"]: row for row in TABLE["checks"]}
COLLEGE = {"levels": ["troisieme"], "stay_weeks": 1}
JUNE = ["2027-W24", "2027-W25"]
JULY = date(2027, 7, 1)
Changes = Mapping[str, Any]
TERMS = DeliveryTerms()
PERMITTED = set(read_table()["permitted"])
"""Fields that the interfaces keep when an offer is created."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """``breaks`` are changes of a sound offer that break the check, ``keeps`` those that just keep it. ``raw`` are
    members of a body that show the check at the site itself. ``sent`` are members that a mapped offer must have.
    """

    breaks: Sequence[Changes] = ()
    keeps: Sequence[Changes] = ({},)
    raw: Changes = field(default_factory=dict)
    sent: Changes = field(default_factory=dict)
    on: date = ON
    terms: DeliveryTerms = TERMS


def length(path: str, member: str, longest: int, *, prefix: str = "") -> Case:
    """A text of one character too many, and the longest one; characters of four bytes count as one."""
    sign = "x" if prefix else "😀"
    longest_text, longer = (prefix + sign * (size - len(prefix)) for size in (longest, longest + 1))
    return Case(breaks=[{path: longer}], keeps=[{path: longest_text}], raw={member: longer})


def blank(path: str, member: str) -> Case:
    """Texts that the site treats as blank, and the shortest one that is not."""
    signs = ("", " ", "\n", "\u00a0", "\u2007", "\u3000", "\u200b", "\u3164")
    return Case(breaks=[{path: sign} for sign in signs], keeps=[{path: "x"}], raw={member: ""})


REFUSED: Mapping[str, Case] = {
    "title-present": blank("title", "title"),
    "title-length": length("title", "title", 150),
    "description-present": blank("description", "description"),
    "description-length": length("description", "description", 1500),
    "employer-name-present": blank("employer.name", "employer_name"),
    "employer-name-length": length("employer.name", "employer_name", 150),
    "employer-description-length": length("employer.description", "employer_description", 275),
    "employer-website-length": length("employer.website", "employer_website", 560, prefix="https://a.fr/"),
    "street-length": replace(length("location.street", "street", 200), raw={"street": "x" * 501}),
    "zipcode-present": Case(breaks=[{"location.postal_code": GONE}], raw={"zipcode": "", "coordinates": None}),
    "zipcode-form": Case(
        breaks=[{"location.postal_code": code} for code in ("2987", "298700", "29 870", "2A004", "29870\n")],
        raw={"zipcode": "2987"},
    ),
    "city-present": blank("location.city", "city"),
    "city-length": length("location.city", "city", 50),
    "sector": Case(
        breaks=[{"sector": code} for code in ("s52", "s0", "S24", "Filière bois")],
        keeps=[{"sector": "s1"}, {"sector": "s51"}],
        raw={"sector_uuid": "s52"},
    ),
    "grades-present": Case(breaks=[{"levels": []}]),
    "grades-known": Case(breaks=[{"levels": ["premiere"]}, {"levels": ["seconde", "cm2"]}]),
    "weeks-present": Case(breaks=[{"weeks": []}], raw={"weeks": []}),
    "weeks-form": Case(
        breaks=[{**COLLEGE, "weeks": ["2027W10"]}, {**COLLEGE, "weeks": ["2027-W9"]}],
        keeps=[{**COLLEGE, "weeks": ["2027-W09"]}],
        raw={"grades": ["troisieme"], "weeks": ["2027W10"]},
    ),
    "weeks-real": Case(
        breaks=[{**COLLEGE, "weeks": ["2027-W53"]}],
        keeps=[{**COLLEGE, "weeks": ["2026-W53"]}],
        raw={"grades": ["troisieme"], "weeks": ["2027-W60"]},
    ),
    "max-candidates-least": Case(breaks=[{"seats": 0}], keeps=[{"seats": 1}], raw={"max_candidates": 0}),
    "max-candidates-most": Case(breaks=[{"seats": 6001}], keeps=[{"seats": 6000}], raw={"max_candidates": 6001}),
    "max-candidates-whole": Case(breaks=[{"seats": 2.5}], keeps=[{"seats": 2.0}], raw={"max_candidates": 2.5}),
    "permalink-present": Case(breaks=[{"apply_url": GONE}], raw={"permalink": ""}),
    "permalink-length": length("apply_url", "permalink", 200, prefix="https://a.fr/"),
    "text-null": Case(breaks=[{"title": "a\0b"}, {"location.city": "a\0"}], keeps=[{"title": "a b"}]),
}
NOT_DELIVERABLE: Mapping[str, Case] = {
    "employer-name-masked": Case(
        breaks=[{"redistribution.mask_employer": True}],
        keeps=[{"redistribution.mask_employer": False}],
        raw={"employer_name": ""},
    ),
    "employer-description-forbidden": Case(
        breaks=[{"employer.description": GONE}],
        keeps=[{}],
        terms=DeliveryTerms(fillers=False),
        raw={"employer_description": ""},
    ),
    "zipcode-department": Case(
        breaks=[
            {
                "location.postal_code": code,
                "location.city": city,
                "location.insee_commune": insee,
                "location.latitude": GONE,
                "location.longitude": GONE,
            }
            for code, city, insee in (
                ("97500", "Saint-Pierre", GONE),
                ("98600", "Uvea", GONE),
                ("98000", "Beausoleil", "06012"),
            )
        ],
        keeps=[
            {
                "location.postal_code": code,
                "location.city": city,
                "location.insee_commune": GONE,
                "location.latitude": GONE,
                "location.longitude": GONE,
            }
            for code, city in (
                ("01000", "Bourg-en-Bresse"),
                ("95000", "Cergy"),
                ("20000", "Ajaccio"),
                ("20200", "Bastia"),
                ("97110", "Pointe-à-Pitre"),
                ("97133", "Saint-Barthélemy"),
                ("97600", "Mamoudzou"),
                ("98713", "Papeete"),
                ("98800", "Nouméa"),
            )
        ],
        raw={"zipcode": "97500"},
    ),
    "weeks-mandatory": Case(
        breaks=[
            {"weeks": ["2027-W24"], "stay_weeks": 1},
            {"weeks": ["2027-W23", "2027-W24"]},
            {"weeks": ["2027-W25", "2027-W26"]},
            {"weeks": ["2027-W10", "2027-W11"]},
        ],
        keeps=[{}, {"weeks": [*JUNE, "2027-W10"]}],
        raw={"weeks": ["2027-W24"]},
    ),
    "permalink-word": Case(
        breaks=[
            {"apply_url": f"https://{address}"}
            for address in (
                "a.fr/test",
                "a.fr/contest",
                "a.fr/latest?x=1",
                "a.fr/testeur",
                "a.fr/#Attestation",
                "TESTS.fr/",
                "a.fr/?s=StAgInG",
                "staging.a.fr/",
            )
        ],
        keeps=[
            {"apply_url": f"https://{address}"}
            for address in ("a.fr/te-st", "a.fr/tes/t", "a.fr/te%73t", "stagi.ng.fr/", "a.fr/stag", "a.fr/texte")
        ],
        raw={"permalink": "https://a.fr/contest"},
    ),
}
MAPPED: Mapping[str, Case] = {
    "payload": Case(raw={"grades": GONE}),
    "keys": Case(),
    "employer-description-present": Case(
        keeps=[{"employer.description": GONE}],
        sent={"employer_description": "Menuiserie des Abers"},
        raw={"employer_description": ""},
    ),
    "street-present": Case(
        keeps=[{"location.street": GONE, "location.latitude": GONE, "location.longitude": GONE}],
        sent={"street": "Lannilis"},
        raw={"street": ""},
    ),
    "coordinates-zero": Case(
        keeps=[
            {
                "location.postal_code": "14640",
                "location.city": "Villers-sur-Mer",
                "location.insee_commune": GONE,
                "location.latitude": 49.32,
                "location.longitude": zero,
            }
            for zero in (0, 0.0, -0.0)
        ],
        sent={"coordinates": {"latitude": 49.32, "longitude": 0.000001}},
    ),
    "grades-mixed": Case(
        keeps=[{"levels": ["seconde", "troisieme"], "weeks": ["2027-W10", *JUNE]}],
        sent={"grades": ["troisieme"], "weeks": ["2027-W10"]},
        raw={"grades": ["troisieme", "seconde"], "weeks": JUNE},
    ),
    "weeks-padded": Case(keeps=[{**COLLEGE, "weeks": ["2027-W09"]}], sent={"weeks": ["2027-W09"]}),
    "period": Case(
        keeps=[{"weeks": ["2027-W25"], "stay_weeks": 1}],
        terms=DeliveryTerms(one_week=True),
        sent={"period": 2},
    ),
    "max-candidates-default": Case(keeps=[{"seats": GONE}], sent={"max_candidates": 1}),
    "is-public": Case(keeps=[{"employer.public": GONE}], sent={"is_public": False}),
    "remote-id-present": Case(raw={"remote_id": None}),
    "daily-hours": Case(
        keeps=[{"schedule": {"monday": {"start": "09:00", "end": "16:30", "break_minutes": 60}}}],
        sent={"daily_hours": {"lundi": ["9:00", "16:30"]}},
    ),
}
TESTED_BY_NAME = {"weeks-mandatory-later", "remote-id-length", "remote-id-reachable"}
ALL = {**REFUSED, **NOT_DELIVERABLE, **MAPPED}


def parts(changes: Changes, *, on: date, terms: DeliveryTerms) -> list[Any]:
    """The deliverability of each part of an accepted offer."""
    verdict = check(changed(changes), on=on)
    assert verdict.offer is not None, [problem.to_json() for problem in verdict.problems]
    return [part.deliverability for part in map_offer(verdict.offer, on=on, terms=terms)]


def test_every_check_has_one_rule_or_a_reason() -> None:
    assert [1] * len(TABLE["checks"]) == [sum(name in row for name in RULES) for row in TABLE["checks"]]
    assert len(ROWS) == len(TABLE["checks"])
    for row in TABLE["checks"]:
        assert all(text.strip() for text in row.values())
        assert ("step" in row) is ("mapped" in row)
        assert re.fullmatch(r"PostgreSQL|[\w/.]+\.(rb|sql)(#\w+\??)?(, [\w/.]+\.(rb|sql)#\w+)*", row["where"]), row[
            "where"
        ]


def test_every_rule_is_tested_both_ways() -> None:
    assert {"refused": set(REFUSED), "not_deliverable": set(NOT_DELIVERABLE), "mapped": {*MAPPED, *TESTED_BY_NAME}} == {
        rule: {name for name, row in ROWS.items() if rule in row} for rule in ("refused", "not_deliverable", "mapped")
    }
    assert all(case.breaks for case in (*REFUSED.values(), *NOT_DELIVERABLE.values()))
    assert all(case.keeps for case in ALL.values())


def test_every_code_of_the_table_has_words() -> None:
    named = {row.get("refused") or row.get("not_deliverable") for row in TABLE["checks"]} - {None}
    named |= {row["code"] for row in TABLE["ours"]}
    assert set() == named - set(catalogue()) - set(refusals())


def test_no_refusal_of_the_mapping_is_missing_from_the_table() -> None:
    """A refusal that the site does not make is named as ours alone, with its reason."""
    ours = {code for code in {*catalogue(), *refusals()} if code.startswith("not-deliverable:")} | {
        "employer-undescribed"
    }
    named = {row["not_deliverable"] for row in TABLE["checks"] if "not_deliverable" in row}
    assert ours == named | {row["code"] for row in TABLE["ours"]}


def test_the_table_is_in_the_operators_page() -> None:
    assert render(TABLE) == section(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", REFUSED)
def test_the_verdict_refuses_the_values_that_the_table_marks_refused(name: str) -> None:
    case = REFUSED[name]
    for changes in case.breaks:
        assert ROWS[name]["refused"] in {code for code, _ in errors(check(changed(changes), on=case.on))}, changes


@pytest.mark.parametrize("name", NOT_DELIVERABLE)
def test_offers_that_the_site_would_refuse_are_not_deliverable(name: str) -> None:
    case = NOT_DELIVERABLE[name]
    for changes in case.breaks:
        for deliverability in parts(changes, on=case.on, terms=case.terms):
            assert isinstance(deliverability, NotDeliverable), changes
            assert [ROWS[name]["not_deliverable"]] == [refusal.code for refusal in deliverability.refusals]


@pytest.mark.parametrize("name", ALL)
async def test_the_nearest_offer_that_keeps_a_check_is_delivered(name: str, site: HttpSite) -> None:
    case = ALL[name]
    for number, changes in enumerate(case.keeps):
        deliverabilities = parts(changes, on=case.on, terms=case.terms)
        for part, deliverability in enumerate(deliverabilities):
            assert isinstance(deliverability, Ready), (changes, deliverability)
            assert deliverability.body.keys() <= PERMITTED
            done = outcome_of(await site.create(deliverability.named(f"bretagne:{number}-{part}")))
            assert isinstance(done, DoneAnswer), (changes, done)
            assert find_dropped(deliverability, done) is None
        assert case.sent == {member: deliverabilities[0].body[member] for member in case.sent}


@pytest.mark.parametrize("name", [name for name, case in ALL.items() if case.raw])
async def test_the_site_makes_the_check(name: str, site: HttpSite) -> None:
    """Otherwise the row would be a false alarm, as far as the simulated site shows."""
    case = ALL[name]
    (deliverability, *_) = parts(case.keeps[0], on=case.on, terms=case.terms)
    body = {**deliverability.named("bretagne:1"), **case.raw}
    answer = await site.create({member: value for member, value in body.items() if value is not GONE})
    assert not isinstance(outcome_of(answer), DoneAnswer), answer


def test_seconde_of_next_june_waits_and_is_sent_on_the_first_of_july() -> None:
    """weeks-mandatory-later"""
    changes = {"weeks": ["2028-W25", "2028-W26"]}
    assert [DeliverableLater(JULY)] == parts(changes, on=date(2027, 6, 30), terms=DeliveryTerms())
    (deliverability,) = parts(changes, on=JULY, terms=DeliveryTerms())
    assert isinstance(deliverability, Ready)


@pytest.mark.parametrize("size", [50, 51, 52, 60])
def test_a_remote_id_fits_the_column_with_every_suffix(size: int) -> None:
    """remote-id-length"""
    offer_id = "bretagne:" + "x" * size
    names = [remote_id(offer_id, group, generation) for group in ("", "c", "l") for generation in (1, 2, 10)]
    assert max(map(len, names)) <= MAX_CHARACTERS
    assert len(set(names)) == len(names)
    assert (size <= 51) is (offer_id == names[0])


@pytest.mark.parametrize("local", ["a.b", "a~b", "7.", "a-b_c"])
def test_a_remote_id_is_reached_by_the_sites_addresses(local: str) -> None:
    """remote-id-reachable"""
    assert is_reachable(remote_id(f"bretagne:{local}"))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("past-weeks", {**COLLEGE, "weeks": ["2026-W40", "2027-W10"]}),
        ("next-year", {**COLLEGE, "weeks": ["2027-W40"]}),
        ("hours", {"schedule": {"sunday": {"start": "09:00", "end": "12:00", "break_minutes": 0}}}),
        ("lunch", {"schedule": {"lunch_break": "12 h"}}),
        ("sector-public", {"employer.public": True, "sector": "s24"}),
        ("emoji", {"title": "Découverte 🛠️", "description": "𝒜 👩‍🍳"}),
    ],
)
async def test_fields_that_the_site_accepts_without_a_check_are_deliverable(
    name: str, changes: Changes, site: HttpSite
) -> None:
    assert name in {row["id"] for row in TABLE["takes"]}
    for deliverability in parts(changes, on=ON, terms=DeliveryTerms()):
        assert isinstance(deliverability, Ready), deliverability
        assert isinstance(outcome_of(await site.create(deliverability.named("bretagne:1"))), DoneAnswer)
