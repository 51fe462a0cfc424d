"""``passerelle platform draft``: what it prints in both languages, the file that it writes, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.profile.profile import Profile, read_profile
from tests.formats.test_inference import items
from tests.formats.test_inference_feeds import feed_of
from tests.pull.test_platform_command import Shell

DAY = ("--on", "2026-11-30")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def sample(shell: Shell, **changes: Any) -> str:
    return shell.sample(json.dumps({"offres": items(4, **changes)}).encode())


def test_the_profile_that_it_writes_passes_check(shell: Shell) -> None:
    feed, profile = sample(shell), shell.folder / "essai.json"
    output = shell("draft", feed, "-o", str(profile), *DAY)
    assert str(profile) in output.replace("\n", "")
    document = json.loads(profile.read_text())
    assert isinstance(read_profile(document), Profile)
    assert "json" == document["format"]
    assert "4 à publier" in shell("check", str(profile), feed, *DAY).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr", ("Confiance", "sûr", "Indices", "Valeurs", "À remplacer", "platform check", "offre(s) telle(s)")),
        ("en", ("Confidence", "certain", "Evidence", "Values", "To be replaced", "platform check", "offer(s) as")),
    ],
)
def test_it_says_path_confidence_evidence_and_values(shell: Shell, language: str, expected: tuple[str, ...]) -> None:
    output = shell("draft", sample(shell), "--lang", language, *DAY)
    for text in (*expected, "titre", "entreprise", "35000", "a-completer"):
        assert text in output


def test_a_tie_stays_empty_and_ends_with_1(shell: Shell) -> None:
    rows = [{**one, "lien_b": f"https://b.example/{one['id']}"} for one in items(4)]
    for one in rows:
        one["lien_a"] = one.pop("lien")
    feed = shell.sample(json.dumps(rows).encode())
    output = shell("draft", feed, *DAY, ends=1)
    assert "apply_url reste vide" in output
    assert "lien_a" in output
    assert "lien_b" in output
    report = shell.json("draft", feed, *DAY, ends=1)
    assert report["fields"]["apply_url"]["rule"] is None
    assert ["apply_url"] == report["missing"]
    assert {"lien_a", "lien_b"} <= {one["path"] for one in report["fields"]["apply_url"]["candidates"]}
    assert 0 == report["check"]["counts"]["published"]


def test_a_file_that_exists_is_never_replaced(shell: Shell) -> None:
    profile = shell.folder / "essai.json"
    profile.write_text("à moi")
    assert "existe déjà" in str(shell.error("draft", sample(shell), "-o", str(profile), *DAY))
    assert "à moi" == profile.read_text()


@pytest.mark.parametrize("content", [b"", b"bonjour", b"PK\x03\x04", b"<!doctype html><p>x</p>", b"[1, 2]"])
def test_a_sample_that_cannot_be_read_is_an_error_with_a_remedy(shell: Shell, content: bytes) -> None:
    """An error of a command ends with 2."""
    profile = shell.folder / "essai.json"
    french = shell.error("draft", shell.sample(content), "-o", str(profile), *DAY)
    english = shell.error("draft", shell.sample(content), "--lang", "en", *DAY)
    assert ("fr", "en") == (french.language, english.language)
    assert str(french) != str(english)
    assert all((str(french), french.step, str(english), english.step))
    assert not profile.exists()


def test_contact_data_of_a_sample_is_not_printed(shell: Shell) -> None:
    output = shell("draft", str(feed_of("03-wordpress")), *DAY)
    assert "contact0@" not in output
    assert "contact0@" not in json.dumps(shell.json("draft", str(feed_of("03-wordpress")), *DAY))
