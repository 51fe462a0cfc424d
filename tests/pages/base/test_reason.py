"""The reason of an act, as browsers send it."""

import pytest

from gateway.pages.base.reason import ReasonField, read_reason
from gateway.pages.base.texts import texts_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Adresse fausse", ReasonField("Adresse fausse", "Adresse fausse")),
        (" deux\r\nlignes\r ", ReasonField("deux\nlignes", "deux\nlignes")),
        ("e\u0301crit", ReasonField("écrit", "écrit")),
        ("x" * 1_000, ReasonField("x" * 1_000, "x" * 1_000)),
        ("x" * 1_001, ReasonField("x" * 1_001, None, wrong="unusable")),
        ("a\x00b", ReasonField("a\x00b", None, wrong="unusable")),
        ("a\u202eb", ReasonField("a\u202eb", None, wrong="unusable")),
        (" \r\n", ReasonField("", None, wrong="missing")),
        ("de a@example.org", ReasonField("de a@example.org", "de […]", redacted=True)),
    ],
)
def test_a_reason_is_read_as_a_text_area_sends_it(text: str, found: ReasonField) -> None:
    assert found == read_reason(text, required=True)


def test_an_optional_reason_may_be_empty() -> None:
    assert ReasonField("", None) == read_reason(" ", required=False)


@pytest.mark.parametrize(
    ("folder", "key"),
    [("moderation", "reason"), ("systems", "reason"), ("partners", "why"), ("national", "why"), ("journal", "why")],
)
def test_every_page_calls_the_reason_of_an_act_the_same(folder: str, key: str) -> None:
    assert ("Motif", "Reason") == (str(texts_of(folder, "fr")(key)), str(texts_of(folder, "en")(key)))
