"""``passerelle platform check`` and ``add`` for authors of mappings: whether one fits, and the offers that result."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from demo.region_site.feed import write_feed
from gateway.pages.base.wording import label_of
from tests.pull.pull_harness import offer
from tests.pull.test_platform_command import Shell

DAY = ("--on", "2026-11-30")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def mapped(shell: Shell, form: str, **changes: Any) -> str:
    """A profile with changes of its mapping: by key, or fields by name."""
    document = json.loads(Path(shell.profile(form)).read_text())
    for key, value in changes.items():
        known = document["mapping"].get(key, {})
        document["mapping"][key] = {**known, **value} if isinstance(value, dict) else value
    path = shell.folder / "changed.json"
    path.write_text(json.dumps(document))
    return str(path)


def codes(report: Mapping[str, Any]) -> list[str]:
    return [one["code"] for one in report["problems"]]


MISFITS: list[tuple[str, Mapping[str, Any], str]] = [
    ("json", {"source": {"items": "offre"}}, "offres"),
    ("xml", {"source": {"items": "offres/stage"}}, "offres/offre"),
    ("csv", {"only": [{"path": "secteur", "in": ["s9"]}]}, "s5"),
    ("json", {"only": [{"path": "Secteur", "in": ["s5"]}]}, "secteur"),
    ("xml", {"fields": {"title": {"path": "title"}}}, "titre"),
    ("csv", {"fields": {"title": {"path": "Titre"}}}, "titre"),
    ("json", {"id": {"path": "identifiant"}}, ""),
]


@pytest.mark.parametrize(("form", "changes", "near"), MISFITS)
def test_a_mapping_that_does_not_fit_ends_with_1_and_names_the_nearest_path(
    shell: Shell, form: str, changes: dict[str, Any], near: str
) -> None:
    profile, sample = mapped(shell, form, **changes), shell.sample(write_feed(form, [offer(1), offer(2)]))
    output = shell("check", profile, sample, *DAY, ends=1)
    assert near in output
    assert "ne changerait rien" in output
    report = shell.json("check", profile, sample, *DAY, ends=1)
    assert (False, 0, []) == (report["usable"], report["counts"]["published"], report["offers"])
    assert "error" == report["problems"][0]["severity"]
    assert near in report["problems"][0]["message"]


@pytest.mark.parametrize(("form", "changes", "near"), MISFITS)
def test_a_profile_added_with_a_sample_that_it_does_not_fit_changes_nothing(
    shell: Shell, form: str, changes: dict[str, Any], near: str
) -> None:
    sample = shell.sample(write_feed(form, [offer(1), offer(2)]))
    output = shell("add", mapped(shell, form, **changes), "--sample", sample, ends=1)
    assert near in output
    assert not shell.data.exists(), "nothing was written at all"
    shell("add", shell.profile(form), "--sample", sample)
    before = shell.partner().profile
    shell("add", mapped(shell, form, **changes), "--sample", sample, ends=1)
    assert before == shell.partner().profile


@pytest.mark.parametrize("form", ["csv", "json", "xml", "jobposting", "cleverconnect"])
def test_offers_are_displayed_as_they_would_be_published(shell: Shell, form: str) -> None:
    profile, sample = shell.profile(form), shell.sample(write_feed(form, [offer(number) for number in range(5)]))
    report = shell.json("check", profile, sample, *DAY)
    assert ["bretagne:0", "bretagne:1", "bretagne:2"] == [one["id"] for one in report["offers"]]
    assert {
        "stay_weeks": 2,
        "seats": 2,
        "id": "bretagne:0",
        "title": "Découverte d'un atelier de menuiserie",
        "company": "Atelier du Port",
        "place": "35000 Rennes (Ille-et-Vilaine)",
        "commune": "Rennes",
        "department": "Ille-et-Vilaine",
        "sector": "Artisanat d'art",
        "sector_code": "s5",
        "weeks": ["2027-W24", "2027-W25"],
        "levels": ["seconde"],
        "apply_url": "https://stages.ideo.bretagne.bzh/offres/0",
    } == {"seats": 2} | report["offers"][0], "one form names no seats"
    output = shell("check", profile, sample, *DAY)
    for text in (
        *("Ille-et-Vilaine", "Artisanat d'art", "14/06/2027", "seconde", "/offres/2", "5 élément(s) trouvé(s)"),
        label_of("stay_weeks", "fr") or "",
    ):
        assert text in output
    assert "/offres/3" not in output


def test_refused_and_repeated_offers_are_not_displayed_as_published(shell: Shell) -> None:
    feed = write_feed("csv", [offer(1), offer(2, sector="s99"), offer(3), offer(1, sector="s6"), offer(4)])
    report = shell.json("check", shell.profile(), shell.sample(feed), *DAY, ends=1)
    assert ["bretagne:3", "bretagne:4"] == [one["id"] for one in report["offers"]]


def test_no_published_offer_ends_with_1(shell: Shell) -> None:
    for feed in (write_feed("csv", []), write_feed("csv", [offer(1, sector="s99")])):
        report = shell.json("check", shell.profile(), shell.sample(feed), *DAY, ends=1)
        assert (True, 0) == (report["usable"], report["counts"]["published"])
    output = shell("check", shell.profile(), shell.sample(write_feed("csv", [])), *DAY, "--lang", "en", ends=1)
    assert "No offer would be published" in output


def test_problems_are_grouped_with_exact_totals_everywhere(shell: Shell) -> None:
    wrong = [offer(number, sector="s99") for number in range(120)]
    feed = write_feed("csv", [*wrong, *(offer(200 + n, description="a@b.example") for n in range(40))])
    sample, profile = shell.sample(feed), shell.profile()
    report = shell.json("check", profile, sample, *DAY, ends=1)
    groups = {(one["code"], one["pointer"]): one for one in report["problems"] if one["examples"][0]["position"]}
    assert {("sector-unknown", "/sector"): 120, ("personal-data", "/description"): 40} == {
        about: one["count"] for about, one in groups.items()
    }
    assert [("bretagne:0", "s99"), ("bretagne:1", "s99"), ("bretagne:2", "s99")] == [
        (one["id"], one["value"]) for one in groups["sector-unknown", "/sector"]["examples"]
    ]
    assert 120 == report["severities"]["error"]
    output = shell("check", profile, sample, *DAY, ends=1)
    assert "120 × erreur" in output
    assert "40 × avertissement" in output
    assert "et 117 autre(s)" in output
    assert "160 élément(s) trouvé(s) : 0 laissé(s) de côté, 40 à publier, dont 40 avec avertissement" in output


def test_warnings_of_the_whole_feed_come_first_however_many_problems_there_are(shell: Shell) -> None:
    feed = write_feed("csv", [offer(number, sector="s99") for number in range(60)])
    sample = shell.sample(feed.decode().encode("windows-1252"))
    report = shell.json("check", shell.profile(), sample, *DAY, ends=1)
    assert ("encoding-guessed", 1) == (report["problems"][0]["code"], report["problems"][0]["count"])
    cut = feed.decode().encode("windows-1252") + b'x;"'
    report = shell.json("check", shell.profile(), shell.sample(cut), *DAY, ends=2)
    assert ["feed-cut", "encoding-guessed"] == codes(report)[:2]


def test_a_key_without_effect_is_refused_by_check_and_add(shell: Shell) -> None:
    profile = mapped(shell, "json", fields={"seats": {"constant": 2, "split": ";"}})
    sample = shell.sample(write_feed("json", [offer(1)]))
    for words in (("check", profile, sample), ("add", profile)):
        error = shell.error(*words)
        assert "/mapping/fields/seats/split" in str(error)
        assert "split" in str(error)


def test_an_empty_feed_of_each_format_reports_no_wrong_path(shell: Shell) -> None:
    for form in ("csv", "json", "xml", "jobposting", "cleverconnect"):
        report = shell.json("check", shell.profile(form), shell.sample(write_feed(form, [])), *DAY, ends=1)
        assert (True, ["feed-without-items"]) == (report["usable"], codes(report)), form
