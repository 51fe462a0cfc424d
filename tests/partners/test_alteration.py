"""Changes of a partner: the given fields change and no others; differences and errors are reported."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey

from gateway.partners.onboarding import PartnerInput, altered, differences
from gateway.protocol.partner import Partner, Secret
from tests.protocol.certified import issued

BRETAGNE = Partner(
    platform="bretagne",
    name="Bretagne",
    scopes=frozenset({"offers:publish", "offers:read"}),
    territory=frozenset({"22", "35"}),
    national_delivery="self",
    hosts=("a.example",),
    secrets=(Secret(hash="sha256:00", created_at=1),),
    certificates=(issued(),),
    joined_at=7,
)
KEYS: dict[str, object] = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
OTHER_KEYS: dict[str, object] = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}


def changed(partner: Partner = BRETAGNE, **wishes: Any) -> Partner:
    made = altered(partner, PartnerInput(**wishes), others=())
    assert isinstance(made, Partner), made
    return made


def test_options_that_are_not_given_leave_their_fields_unchanged() -> None:
    assert BRETAGNE == changed()


@pytest.mark.parametrize(
    ("wish", "after"),
    [
        ({"name": "Elle"}, {"name": "Elle"}),
        ({"scopes": ["offers:read"]}, {"scopes": frozenset({"offers:read"})}),
        ({"departments": ["2A"]}, {"territory": frozenset({"2A"})}),
        ({"departments": []}, {"territory": frozenset()}),
        ({"hosts": ["b.example", "c.example"]}, {"hosts": ("b.example", "c.example")}),
        ({"hosts": []}, {"hosts": ()}),
        ({"national_delivery": "gateway"}, {"national_delivery": "gateway"}),
        ({"inbox": True}, {"inbox": True}),
        ({"feed": True}, {"feed": True}),
        ({"jwks": KEYS}, {"jwks": KEYS}),
        ({"issuer": "https://id.example"}, {"issuer": "https://id.example"}),
    ],
)
def test_only_the_given_fields_change_and_the_changes_are_displayed(
    wish: dict[str, Any], after: dict[str, Any]
) -> None:
    made = changed(**wish)
    assert replace(BRETAGNE, **after) == made
    assert 1 == len(differences(BRETAGNE, made))
    (displayed,) = differences(BRETAGNE, made).values()
    assert displayed[0] != displayed[1]


def test_keys_and_issuer_are_removed_only_by_an_option() -> None:
    full = replace(BRETAGNE, jwks=KEYS, issuer="https://id.example")
    assert full == changed(full)
    assert BRETAGNE == changed(full, without_jwks=True, without_issuer=True)


def test_another_key_set_is_displayed_as_different() -> None:
    assert {"keys"} == set(differences(replace(BRETAGNE, jwks=KEYS), replace(BRETAGNE, jwks=OTHER_KEYS)))


def test_everything_wrong_is_reported_at_once() -> None:
    normandie = Partner(platform="normandie", name="N", scopes=frozenset(), hosts=("n.example",))
    alteration = PartnerInput(name=" ", scopes=["dance"], departments=["20"], hosts=["n.example", "www.x.example"])
    made = altered(BRETAGNE, alteration, others=(BRETAGNE, normandie))
    assert isinstance(made, tuple)
    text = " ".join(made)
    for part in ("1 to 150 characters", "dance is not a scope", "20 is not", "the host of normandie", "www.x.example"):
        assert part in text


def test_its_own_host_is_not_taken_by_itself() -> None:
    made = altered(BRETAGNE, PartnerInput(hosts=["a.example"]), others=(BRETAGNE,))
    assert BRETAGNE == made


@pytest.mark.parametrize(
    ("public", "number"),
    [
        ({}, 2),
        ({"since": "2027-03-01"}, 1),
        ({"agreement": "1"}, 1),
        ({"since": "1 March", "agreement": "1"}, 1),
        ({"since": "2027-02-30", "agreement": " "}, 2),
        ({"since": "2027-03-01", "agreement": "1", "until": "2028-01-01"}, 1),
    ],
)
def test_an_agreement_is_whole_or_refused(public: dict[str, str], number: int) -> None:
    found = altered(BRETAGNE, PartnerInput(public=public), others=())
    assert isinstance(found, tuple)
    assert number == len(found)


def test_an_agreement_is_made_and_ended() -> None:
    agreed = changed(public={"since": "2027-03-01", "agreement": "1"})
    assert {"public offers": ("no", "from 2027-03-01, agreement 1")} == differences(BRETAGNE, agreed)
    assert BRETAGNE == changed(agreed, without_public=True)
