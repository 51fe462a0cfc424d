"""The profile of a draft: valid, with placeholders and what is known of them."""

from datetime import date

import orjson
import pytest

from adapters.formats.inference.draft import MappingDraft, draft, read_sample
from adapters.profile.draft import PLACEHOLDER, draft_profile
from adapters.profile.profile import Profile, read_profile
from schemas.rulebook import LANGUAGES, Language
from tests.formats.test_inference_feeds import draft_of, feed_of, keys

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", keys())
def test_the_profile_of_every_feed_is_valid_and_has_no_key_without_effect(name: str, language: Language) -> None:
    """[FMT-015]"""
    made = draft_of(feed_of(name))
    profile = draft_profile(made, language)
    assert isinstance(read_profile(profile.document), Profile)
    assert (PLACEHOLDER, made.form) == (profile.platform, profile.format)
    assert PLACEHOLDER in profile.transport["url"]
    about = [one["about"] for one in profile.document["knowledge"]]
    assert {"assumed"} == {one["status"] for one in profile.document["knowledge"]}
    assert set(made.missing) <= set(about)


def test_a_sample_without_an_id_gets_a_placeholder_for_its_path() -> None:
    """[FMT-015]"""
    made = poor()
    assert "id" in made.missing
    assert {"path": PLACEHOLDER} == draft_profile(made).document["mapping"]["id"]


def poor() -> MappingDraft:
    """The draft of a sample with titles only."""
    rows = [{"titre": f"Découverte d'un métier {number}"} for number in (1, 1, 2)]
    return draft(read_sample([orjson.dumps(rows)]), on=date(2026, 11, 24))
