"""Ids: the offer's own (IDN-001), and its ids on other platforms (OFR-037)."""

import pytest

from tests.schemas.documents import changed, check, codes, errors


@pytest.mark.parametrize(
    "offer_id",
    [
        "",
        "bretagne",
        "bretagne:",
        ":x",
        "Bretagne:x",
        "bretagne:é",
        "bretagne:a b",
        "bretagne:a/b",
        "bretagne:a%2fb",
        "-a:x",
        "a--b:x",
        "a-:x",
        "1a:x",
        "gateway:x",
        "bretagne:x\n",
        "bretagne:x:y",
        "bretagne:\u0660",
    ],
)
def test_malformed_ids_are_refused_and_not_repeated_as_ids(offer_id: str) -> None:
    """IDN-001"""
    verdict = check(changed(id=offer_id))
    assert errors(verdict) == [("id-malformed", "/id")]
    assert (verdict.id, verdict.revision) == (None, 1764000000000)


@pytest.mark.parametrize("offer_id", ["a:x", "a1-b2:.", "bretagne:S_2027~1.b-c", "gateway-x:1", "pays-de-la-loire:0"])
def test_well_formed_ids_are_taken(offer_id: str) -> None:
    """IDN-001"""
    assert check(changed(id=offer_id)).id == offer_id


@pytest.mark.parametrize("text", ["a b", "é", "a@b.fr", "a\n", ""])
def test_ids_of_others_are_visible_ascii(text: str) -> None:
    """OFR-037"""
    for field in ("source_id", "national_remote_id"):
        assert "foreign-id-malformed" in codes(check(changed({field: text})))
        assert errors(check(changed({field: "Réf".replace("é", "e") + ":/#12~x"}))) == []
