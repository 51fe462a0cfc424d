"""A catalogue of texts is refused as a whole when one text lacks a language or a placeholder."""

from typing import Any

import pytest

from schemas.bilingual import Bilingual
from schemas.texts import Texts, TextsError, check_texts, fill, fill_one, load_texts


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"a": {"fr": "oui"}}, "/a has no text in en"),
        ({"a": {"message": {"en": "yes", "fr": None}}}, "/a/message has no text in fr"),
        ({"a": [{"fr": "{x}", "en": "{x} {y}"}]}, "/a/0: only one of its languages has y"),
        ({"a": {"fr": "{x", "en": "{x}"}}, "/a: expected '}'"),
    ],
)
def test_a_missing_text_is_named_with_its_pointer(document: Any, message: str) -> None:
    with pytest.raises(TextsError, match=message):
        check_texts(document)


def test_documents_may_hold_anything_beside_their_texts() -> None:
    check_texts({"a": {"status": 400, "fr": "non {x}", "en": "no {x}", "list": ["{", 1, None]}})


def test_a_packaged_catalogue_is_loaded_and_checked() -> None:
    assert "bad-request" in load_texts("schemas", "catalogue", "http.json")


def test_each_value_is_inserted_in_the_language_of_the_text() -> None:
    texts: Texts = {"fr": "{who} : {how}", "en": "{who}: {how}"}
    values = {"who": ["a", "b"], "how": Bilingual("yes", "oui")}
    assert {"fr": "a, b : oui", "en": "a, b: yes"} == fill(texts, values)
    assert "a, b: yes" == fill_one(texts, values, "en")
