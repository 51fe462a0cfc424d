"""Compares deliverability with the simulated site, offer by offer: ``python -m tests.national.site.agreement``.

Offers are drawn at random and judged by the verdict. A deliverable offer the site must accept completely, when
it is created and when it is changed; one that is not deliverable the site must refuse, unless every reason is one of
``OURS``, which the site does not know.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, Self

import orjson
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from adapters.national.mapping.body import body_of, is_masked, remote_id
from adapters.national.mapping.deliverability import (
    DeliverableLater,
    DeliveryTerms,
    NotDeliverable,
    Past,
    Ready,
    WantedPart,
)
from adapters.national.mapping.mapping import map_offer
from adapters.national.site.accounts import Account
from adapters.national.site.answer import DoneAnswer, find_dropped, outcome_of
from adapters.national.site.client import HttpSite
from adapters.national.site.timing import Rate
from demo.national_site.simulator import NationalSimulator
from schemas import check
from tests.national.site.harness import EMAIL, NOW, OLD_TOKEN, PASSWORD, at
from tests.national.site.server import SteppedTime
from tests.national.site.site_table import read_table

OURS = {row["code"] for row in read_table()["ours"]} - {"employer-undescribed"}
"""Reasons unknown to the site: it would accept the offer, and show fields that its publisher hides."""
JUNE, NEXT_JUNE = ["2027-W24", "2027-W25"], ["2028-W25", "2028-W26"]
WEEKS = [
    "2026-W53",
    "2027-W01",
    "2027-W09",
    "2027-W23",
    *JUNE,
    "2027-W26",
    "2027-W27",
    "2027-W40",
    "2028-W24",
    *NEXT_JUNE,
]
SCENES = [
    (date(2026, 11, 20), JUNE),
    (date(2027, 6, 14), JUNE),
    (date(2027, 6, 26), [*JUNE, *NEXT_JUNE]),
    (date(2027, 6, 30), NEXT_JUNE),
    (date(2027, 7, 1), [*JUNE, "2027-W27"]),
    (date(2027, 7, 1), [*JUNE, *NEXT_JUNE]),
    (date(2027, 7, 2), ["2027-W27"]),
    (date(2027, 12, 31), NEXT_JUNE),
    (date(2026, 11, 20), []),
]
"""Days of the two school years, with weeks that an offer may have on them."""
LOCALITIES = [
    *[("35000", "Rennes", None)] * 6,
    ("14640", "Villers-sur-Mer", None),
    ("20000", "Ajaccio", None),
    ("20200", "Bastia", None),
    ("29870", "Lannilis", "29117"),
    ("75001", "Paris", None),
    ("97110", "Pointe-à-Pitre", None),
    ("97600", "Mamoudzou", None),
    ("98800", "Nouméa", None),
    ("97500", "Saint-Pierre", None),
    ("98600", "Uvea", None),
    ("98000", "Beausoleil", "06012"),
]
LEVELS = [
    ["seconde"],
    ["seconde"],
    ["quatrieme"],
    ["quatrieme", "troisieme"],
    ["troisieme", "seconde"],
    ["quatrieme", "troisieme", "seconde"],
]
PATHS = st.sampled_from(["1", "2?x=1", "te%73t", "x" * 187, "contest", "?s=STAGING", "#Latest"]) | st.text(
    st.sampled_from("testagin/-.TESTAGIN?="), max_size=24
)
SIGNS = st.sampled_from("abcéÉœo 0'’-.,;!?&()«»😀👩\u200d\u00a0ßﬁ漢字")


def _texts(longest: int) -> st.SearchStrategy[str]:
    """Short texts, and texts of the greatest length."""
    short = st.text(SIGNS, min_size=1, max_size=12)
    return short | short.map(lambda text: (text * longest)[:longest])


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def offers(draw: st.DrawFn) -> tuple[dict[str, Any], date]:
    """A document as a publisher sends it, and the day; most are valid."""
    on, weeks = draw(st.sampled_from(SCENES))
    postal_code, city, insee = draw(st.sampled_from(LOCALITIES))
    point = draw(_maybe(st.just((49.32, 0)))) if postal_code == "14640" else None
    weeks = sorted({*weeks, *draw(st.sets(st.sampled_from(WEEKS), min_size=not weeks, max_size=2))})
    levels = draw(st.sampled_from(LEVELS))
    document: dict[str, Any] = {
        "id": "bretagne:" + draw(st.text(st.sampled_from("abc019._~-"), min_size=1, max_size=60)),
        "revision": 1,
        "title": draw(_texts(150)),
        "description": draw(_texts(1500)),
        "employer": {
            "name": draw(_texts(150)),
            "description": draw(_maybe(_texts(275))),
            "website": draw(_maybe(st.just("https://a.fr/" + "x" * 547) | st.just("https://a.fr"))),
            "public": draw(_maybe(st.booleans())),
        },
        "location": {
            "street": draw(_maybe(_texts(200))),
            "postal_code": postal_code,
            "city": city,
            "insee_commune": insee,
            "latitude": point and point[0],
            "longitude": None if point is None else point[1],
        },
        "levels": levels,
        "weeks": weeks,
        "stay_weeks": draw(st.sampled_from([None, None, 1, 2])),
        "seats": draw(st.sampled_from([None, 1, 6000])),
        "sector": draw(st.sampled_from(["s1", "s25", "s51"])),
        "schedule": draw(
            st.sampled_from(
                [
                    None,
                    {"lunch_break": "12 h"},
                    {"sunday": {"start": "10:00", "end": "12:00"}, "monday": {"start": "08:05", "end": "12:00"}},
                ]
            )
        ),
        "accessibility": draw(st.sampled_from([None, "yes", "no", "unknown"])),
        "restrictions": {
            "rep": draw(st.sampled_from([None, None, levels != ["seconde"] or None])),
            "qpv": draw(st.sampled_from([None, None, "seconde" in levels or None])),
            "schools": draw(st.sampled_from([*[None] * 9, ["0750655E"]])),
        },
        "redistribution": {
            "regions": draw(st.sampled_from([*[None] * 5, False])),
            "mask_employer": draw(st.sampled_from([*[None] * 5, True])),
        },
        "apply_url": f"https://a.fr/{draw(PATHS)}",
    }
    return _without_nothing(document), on


def _without_nothing(document: Mapping[str, Any]) -> dict[str, Any]:
    inner = {name: _without_nothing(value) if isinstance(value, dict) else value for name, value in document.items()}
    return {name: value for name, value in inner.items() if value is not None and (value != {} or name == "location")}


TERMS = st.builds(
    DeliveryTerms,
    fillers=st.sampled_from([True, True, True, False]),
    employer_name=st.sampled_from([None, "", "\u00a0", "Un employeur d'ici"]),
    reuse=st.booleans(),
    one_week=st.booleans(),
)


@dataclass
class Comparison:
    """A simulated site and the comparisons with it so far."""

    time: SteppedTime = field(default_factory=lambda: SteppedTime(NOW))
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    counts: Counter[str] = field(default_factory=Counter)
    numbers: Any = field(default_factory=count)

    async def __aenter__(self) -> Self:
        simulator = await self.stack.enter_async_context(NationalSimulator(clock=self.time.clock))
        simulator.add_operator(EMAIL, PASSWORD, v1_token=OLD_TOKEN)
        account = Account(name="gateway", url=simulator.url, email=EMAIL, password=PASSWORD, v1_token=OLD_TOKEN)
        rate = Rate(clock=self.time.clock, sleep=self.time.sleep)
        site = HttpSite(account, rate=rate, clock=self.time.clock, connect_seconds=5, answer_seconds=5)
        self.site = await self.stack.enter_async_context(site)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stack.aclose()

    async def compare(self, document: Mapping[str, Any], terms: DeliveryTerms, on: date) -> None:
        """Judge one offer, and let the site judge each of its parts."""
        verdict = check(orjson.dumps(document), on=on)
        assume(verdict.offer is not None)
        offer: Mapping[str, Any] = verdict.offer or {}
        number = next(self.numbers)
        for part in map_offer(offer, on=on, terms=terms):
            self.time.now = at(f"{on}T00:30:00") + number % 1200 * 60_000
            self.counts[type(part.deliverability).__name__] += 1
            await self._compare_part(offer, part, terms, on, number)

    async def _compare_part(
        self, offer: Mapping[str, Any], part: WantedPart, terms: DeliveryTerms, on: date, number: int
    ) -> None:
        name = f"{number}:{remote_id(offer['id'], part.suffix)}"[:60]
        match part.deliverability:
            case Ready() as ready:
                done = outcome_of(await self.site.create(ready.named(name)))
                assert isinstance(done, DoneAnswer), done
                assert find_dropped(ready, done) is None
                assert done == outcome_of(await self.site.update(name, ready.body))
            case NotDeliverable(refusals=refusals):
                codes = {refusal.code for refusal in refusals}
                self.counts.update(codes)
                taken = await self._takes(offer, part, terms, name)
                if codes <= OURS and not taken and "seconde" in offer["levels"]:  # next June's, from July on
                    self.time.now = at(f"{on.year + (on.month > 6)}-07-01T12:00:00")
                    taken = await self._takes(offer, part, terms, name)
                assert (codes <= OURS) is taken, codes
            case DeliverableLater(until=until):
                assert not await self._takes(offer, part, terms, name)
                self.time.now = at(f"{until}T12:00:00")
                assert await self._takes(offer, part, terms, name)
            case Past(refusals=(refusal,)):
                assert "not-deliverable:mandatory-weeks" == refusal.code
                assert not await self._takes(offer, part, terms, name)
            case other:
                raise AssertionError(other)

    async def _takes(self, offer: Mapping[str, Any], part: WantedPart, terms: DeliveryTerms, name: str) -> bool:
        """Whether the site accepts the part as it would be sent without the refusal."""
        plain = {**offer, "redistribution": {}}
        levels = [level for level in offer["levels"] if (level == "seconde") is (part.suffix == "l")]
        levels = list(offer["levels"]) if part.suffix == "" else levels
        body = {**body_of(plain, replacement_name=None), "grades": levels, "weeks": offer["weeks"], "remote_id": name}
        if not terms.fillers and (
            "description" not in offer["employer"] or (is_masked(offer) and terms.has_replacement_name)
        ):
            body["employer_description"] = None
        one_week = terms.one_week and offer["stay_weeks"] == 1 and "seconde" in levels
        if one_week and isinstance(part.deliverability, DeliverableLater | Past):
            return await self._takes_one_week(offer, body)
        taken = isinstance(outcome_of(await self.site.create(body)), DoneAnswer)
        if (
            taken
            or not one_week
            or not {refusal.code for refusal in getattr(part.deliverability, "refusals", ())} <= OURS
        ):
            return taken
        return await self._takes_one_week(offer, body)

    async def _takes_one_week(self, offer: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
        """The old interface takes any ``period``, and answers with the week that it means on that day."""
        old = {key: value for key, value in body.items() if key not in {"grades", "weeks", "rep", "qpv"}}
        names = [
            f"period:{next(self.numbers)}",
            f"period:{next(self.numbers)}",
        ]  # each requested once: the site forgets no name
        answers: Sequence[Any] = [
            outcome_of(await self.site.create({**old, "remote_id": name, "period": period}))
            for period, name in enumerate(names, start=1)
        ]
        taken = {week for answer in answers if isinstance(answer, DoneAnswer) for week in answer.weeks}
        return len(taken & set(offer["weeks"])) == 1


def compare(examples: int, *, fresh: bool = False) -> Counter[str]:
    """Compare so many offers; what was compared. ``fresh``: other ones than the last time."""
    with asyncio.Runner() as runner:
        comparison = runner.run(Comparison().__aenter__())
        try:

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=not fresh,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(offers(), TERMS)
            def agrees(drawn: tuple[dict[str, Any], date], terms: DeliveryTerms) -> None:
                document, on = drawn
                runner.run(comparison.compare(document, terms, on))

            agrees()
        finally:
            runner.run(comparison.__aexit__())
    return comparison.counts


def main() -> None:
    """Compare the requested number of offers and print the totals."""
    parser = argparse.ArgumentParser(prog="python -m tests.national.site.agreement", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    print(compare(parser.parse_args().examples, fresh=True))  # noqa: T201  # its result


if __name__ == "__main__":
    main()
