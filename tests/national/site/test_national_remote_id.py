"""Remote ids: reachable, at most 60 characters, and never one for two offers, parts or generations."""

import string

from hypothesis import given
from hypothesis import strategies as st

from adapters.national.mapping.body import Suffix, is_reachable, remote_id

SLUG = st.sampled_from(["bretagne", "bourgogne-franche-comte", "ile-de-france"])
LOCAL = st.text(st.sampled_from(string.ascii_letters + string.digits + "._~-"), min_size=1, max_size=60)
NAMED = st.tuples(SLUG, LOCAL, st.sampled_from(["", "c", "l"]), st.integers(1, 30))


def name_of(named: tuple[str, str, Suffix, int]) -> str:
    slug, local, group, generation = named
    return remote_id(f"{slug}:{local}", group, generation)


def test_an_offers_remote_id_is_its_own_id_where_that_fits() -> None:
    assert remote_id("bretagne:atelier-1") == "bretagne:atelier-1"
    assert remote_id("bretagne:atelier-1", "c") == "bretagne:atelier-1~c"
    assert remote_id("bretagne:atelier-1", "l", 2) == "bretagne:atelier-1~l~2"
    assert remote_id("bretagne:atelier-1", "", 3) == "bretagne:atelier-1~3"


def test_trap_5_ids_with_dots_or_too_long_are_replaced_by_their_digest() -> None:
    for offer_id in ("bretagne:a.b", "bourgogne-franche-comte:" + "x" * 60, "bretagne:a~c"):
        name = remote_id(offer_id, "c", 12)
        assert is_reachable(name)
        assert name.startswith("x-")
        assert name.endswith("~c~12")


def test_an_id_that_fits_only_without_its_suffix_is_replaced_by_its_digest() -> None:
    offer_id = "bretagne:" + "x" * 51
    assert remote_id(offer_id) == offer_id
    assert remote_id(offer_id, "", 2).startswith("x-")


def test_names_that_others_gave_may_be_out_of_reach() -> None:
    assert is_reachable("STG-12_b:3~2")
    for name in ("a.b", "a/b", "", "x" * 61, "é", "a b", "a\n"):
        assert not is_reachable(name)


@given(NAMED, NAMED)
def test_names_are_reachable_and_never_shared(
    one: tuple[str, str, Suffix, int], two: tuple[str, str, Suffix, int]
) -> None:
    assert is_reachable(name_of(one))
    assert (one == two) == (name_of(one) == name_of(two))


@given(
    st.text(st.sampled_from("a~c2."), min_size=1, max_size=6), st.text(st.sampled_from("a~c2."), min_size=1, max_size=6)
)
def test_suffixes_inside_ids_do_not_lead_to_another_offer(one: str, two: str) -> None:
    """``a~c`` on its own, and the collège part of ``a``, are two."""
    names = {remote_id(f"bretagne:{one}", group, 2) for group in ("", "c", "l")}
    others = {remote_id(f"bretagne:{two}", group, 1) for group in ("", "c", "l")}
    assert names.isdisjoint(others)
