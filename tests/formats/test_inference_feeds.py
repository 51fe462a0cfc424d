"""Drafts of whole feeds against answer keys that were written before the engine: figures per feed, ties, wrong guesses.

A change of the engine that guesses less, or guesses wrong, fails here with the feed and the field.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.formats.inference.draft import MappingDraft, draft, read_sample, rehearse
from adapters.formats.inference.guess import REQUIRED
from adapters.formats.item import OfferItem
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.reading import read

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent / "drafting"
ON = date(2026, 11, 24)

FIGURES: Mapping[str, tuple[int, int, int]] = {
    "01-rss": (10, 10, 11),
    "02-indeed": (10, 10, 13),
    "03-wordpress": (10, 10, 14),
    "04-ats": (10, 10, 10),
    "05-export": (10, 10, 15),
    "06-pages": (10, 10, 15),
    "07-keyed": (10, 10, 14),
    "08-annonces": (10, 10, 15),
    "09-excel": (10, 10, 11),
    "10-odata": (9, 9, 15),
    "11-portail": (10, 10, 12),
    "12-agence": (10, 10, 11),
    "13-theme": (10, 10, 13),
    "14-talents": (10, 10, 17),
    "15-region": (10, 10, 14),
    "16-kernow": (10, 10, 11),
    "17-attributs": (10, 10, 16),
    "18-jsonapi": (9, 9, 13),
    "19-rhone": (9, 9, 12),
    "20-lignes": (9, 9, 12),
    "21-conseil": (7, 8, 7),
    "22-levier": (5, 5, 7),
    "23-recruteur": (8, 8, 13),
    "24-tableur": (10, 10, 13),
    "25-talents": (7, 7, 11),
    "26-hydre": (10, 10, 15),
    "27-drupal": (10, 10, 13),
    "28-ouvertes": (7, 9, 11),
    "29-tourisme": (10, 10, 12),
    "30-presse": (10, 10, 12),
    "31-jour": (6, 6, 8),
    "32-contrats": (10, 10, 11),
}
"""Per feed: required fields guessed rightly, required fields that it can give, guesses in all (none of them wrong)."""


@dataclass(frozen=True)
class Count:
    """The figures of one feed."""

    right: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    guesses: int


def keys() -> list[str]:
    return sorted(path.name.removesuffix(".key.json") for path in FOLDER.glob("*.key.json"))


def key_of(name: str) -> dict[str, Any]:
    key: dict[str, Any] = json.loads((FOLDER / f"{name}.key.json").read_text())
    return key


@cache
def draft_of(path: Path) -> MappingDraft:
    return draft(read_sample([path.read_bytes()]), on=ON)


def feed_of(name: str) -> Path:
    [feed] = [path for path in FOLDER.glob(f"{name}.*") if not path.name.endswith(".key.json")]
    return feed


def items_of(made: MappingDraft) -> str:
    items: str = made.sample.source.get("items", "source/job" if made.form == "cleverconnect" else "")
    return items


def count_of(made: MappingDraft, key: Mapping[str, Any]) -> Count:
    fields, may = key["fields"], key.get("may", {})
    chosen = {name: one.path for name, one in made.guesses.items() if one.rule is not None}
    given = [name for name in REQUIRED if name in fields]
    right = tuple(name for name in given if chosen.get(name) in fields[name])
    wrong = tuple(
        f"{name}: {path}" for name, path in chosen.items() if path not in [*fields.get(name, ()), *may.get(name, ())]
    )
    return Count(right, tuple(name for name in given if name not in right), wrong, len(chosen))


@pytest.mark.parametrize("name", keys())
def test_the_figures_of_each_feed(name: str) -> None:
    """[FMT-015]"""
    key = key_of(name)
    made = draft_of(feed_of(name))
    assert (key["format"], key["items"]) == (made.form, items_of(made))
    counted = count_of(made, key)
    right, given, guesses = FIGURES[name]
    assert ((), right, given, guesses) == (
        counted.wrong,
        len(counted.right),
        len(counted.right) + len(counted.missed),
        counted.guesses,
    ), counted


@pytest.mark.parametrize("name", keys())
def test_ties_stay_empty_and_name_their_paths(name: str) -> None:
    """[FMT-015]"""
    made = draft_of(feed_of(name))
    for field, paths in key_of(name)["ties"].items():
        one = made.guesses[field]
        assert (None, set(paths)) == (one.rule, set(one.tied))
        assert one.reason is not None
        assert all(path in one.reason for path in paths)
        assert set(paths) <= {option.path for option in one.options}


@pytest.mark.parametrize("name", keys())
def test_the_kept_items_alone_give_the_offers_of_the_whole_feed(name: str) -> None:
    """[FMT-015]: a page checks a draft without keeping the sample, and with the id that a person chose."""
    made = draft_of(feed_of(name))
    if made.guesses["id"].tied:
        made = draft(made.sample, on=ON, corrections={"id": made.guesses["id"].tied[0]})
    whole = load_mapping(made.form, made.mapping)
    kept, lines = rehearse(made)
    assert isinstance(whole, FeedMapping), whole
    assert isinstance(kept, FeedMapping), kept
    found = [
        [one.document for one in read(blocks, mapping, platform="essai", on=ON) if isinstance(one, OfferItem)]
        for blocks, mapping in (([feed_of(name).read_bytes()], whole), (lines, kept))
    ]
    assert found[0] == found[1]
    assert found[0]


def round_of(key: Mapping[str, Any]) -> str:
    return f"round {key['round']}" if "round" in key else "held out" if key.get("held_out") else "first"


@pytest.mark.parametrize("name", keys())
def test_no_guess_is_certain_and_wrong(name: str) -> None:
    """[FMT-015]"""
    made = draft_of(feed_of(name))
    wrong = [one.partition(":")[0] for one in count_of(made, key_of(name)).wrong]
    assert [] == [field for field in wrong if made.guesses[field].confidence == "certain"]


@pytest.mark.parametrize(
    ("group", "feeds"), [("first", 5), ("held out", 5), ("round 2", 5), ("round 3", 5), ("round 4", 12)]
)
def test_nine_of_ten_required_fields_are_right_and_few_guesses_wrong(group: str, feeds: int) -> None:
    """[FMT-015]: of the feeds that were looked at during the work, and of those that were not."""
    names = [name for name in keys() if group == round_of(key_of(name))]
    counts = [count_of(draft_of(feed_of(name)), key_of(name)) for name in names]
    right, missed = sum(len(one.right) for one in counts), sum(len(one.missed) for one in counts)
    assert feeds == len(names)
    assert right >= 0.9 * (right + missed)
    assert sum(len(one.wrong) for one in counts) <= 0.03 * sum(one.guesses for one in counts)


@pytest.mark.samples
@pytest.mark.parametrize("name", ["cleverconnect.xml", "flat.csv", "jobteaser.xml"])
def test_the_recorded_feeds(name: str, samples: Path) -> None:
    """[FMT-015]: all that these real feeds can give."""
    key = json.loads((FOLDER / "recorded.json").read_text())[name]
    made = draft_of(samples / "feeds" / name)
    assert (key["format"], key["items"]) == (made.form, items_of(made))
    counted = count_of(made, key)
    assert ((), ()) == (counted.missed, counted.wrong)
