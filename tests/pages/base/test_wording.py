"""Values of an offer in words."""

import pytest

from gateway.pages.base.wording import plain_value
from schemas.texts import LANGUAGES, load_texts


@pytest.mark.parametrize(("value", "word"), [(True, "yes"), (False, "no")])
def test_a_boolean_has_words_of_its_own_whatever_the_closed_lists_hold(value: bool, word: str) -> None:  # noqa: FBT001
    texts = load_texts("schemas", "reference.json")["words"]["yes_no"][word]
    assert texts == {language: plain_value("any", value, language) for language in LANGUAGES}
