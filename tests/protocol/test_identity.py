"""Offer ids, slugs, and the partition of an offer."""

import pytest

from gateway.protocol.identity import is_offer_id, is_slug, partition_of, platform_of


@pytest.mark.parametrize("text", ["bretagne:1", "pays-de-la-loire:a.b_c~d-e", "national:" + "x" * 60, "d35:0"])
def test_these_are_offer_ids(text: str) -> None:
    """[IDN-001]."""
    assert is_offer_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bretagne",
        "bretagne:",
        ":1",
        "Bretagne:1",
        "bretagne:1\n",
        "bretagne:é",
        "bretagne:a/b",
        "bretagne:a:b",
        "bretagne:" + "x" * 61,
        "-a:1",
        "a--b:1",
        "a" * 41 + ":1",
    ],
)
def test_these_are_not(text: str) -> None:
    """[IDN-001]."""
    assert not is_offer_id(text)


def test_no_partner_may_have_the_gateways_name() -> None:
    """[IDN-002]."""
    assert (is_slug("gateway"), is_slug("grand-est"), is_slug("a" * 40), is_slug("a" * 41)) == (
        False,
        True,
        True,
        False,
    )
    assert (is_offer_id("gateway:1"), is_offer_id("gateway-1:1")) == (False, True)


def test_the_partition_of_an_offer_is_the_crc_32_of_its_id() -> None:
    """[IDN-004]: permanent, so pinned by value."""
    assert [partition_of(f"bretagne:{n}", 3) for n in range(6)] == [2, 0, 2, 0, 0, 0]
    assert platform_of("bretagne:1") == "bretagne"
