"""``passerelle platform add`` says at once which settings of the gateway the profile needs."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.profile.profile import profiles
from tests.cli.inside import Inside

FOLDER = {"kind": "folder", "folder": "normandie", "pattern": "*.xml"}
HTTPS = {
    "kind": "https",
    "url": "https://stages.example.org/offres.xml",
    "credential": {"kind": "bearer", "secret": {"env": "FEED_NORMANDIE_TOKEN"}},
}


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    return Inside(tmp_path)


def profile(folder: Path, transport: dict[str, Any]) -> Path:
    """A profile of the gateway's own with another transport."""
    [first, *_] = [one for one in profiles().values() if one.mapping is not None]
    path = folder / "profile.json"
    path.write_text(json.dumps({**first.document, "transport": transport}))
    return path


def test_a_dropped_source_needs_the_folder_of_feeds(inside: Inside) -> None:
    path = profile(inside.folder, FOLDER)
    ended = inside("platform", "add", path)
    assert 2 == ended.code
    assert "below PASSERELLE_FEEDS, which is not set" in ended.errors
    assert "Next step: set PASSERELLE_FEEDS" in ended.errors
    assert not inside.data.exists()


def test_a_secret_that_is_not_here_is_named(inside: Inside) -> None:
    ended = inside("platform", "add", profile(inside.folder, HTTPS))
    assert 0 == ended.code, ended.errors
    assert "! The gateway needs the secret FEED_NORMANDIE_TOKEN, which is not set here." in ended.errors


def test_a_draft_is_not_added_before_its_placeholders_are_replaced(inside: Inside) -> None:
    address = {"kind": "https", "url": "https://a-completer.example/offres.json", "every_minutes": 60}
    ended = inside("platform", "add", profile(inside.folder, address))
    assert 2 == ended.code
    assert "still has the placeholder a-completer" in ended.errors
