"""Joining: a partner from its profile, new or known."""

from dataclasses import replace

import pytest

import schemas
from adapters.profile.joining import Joined, join
from adapters.profile.profile import Profile, profiles, read_profile
from gateway.partners.record import changed_record, partner_document, read_partner
from gateway.protocol.partner import Partner, Secret

SECRET = Secret(hash="sha256:00", created_at=1)
BRETAGNE = profiles()["bretagne"]


def pulled(**more: object) -> Profile:
    document = {
        **BRETAGNE.document,
        "transport": {"kind": "https", "url": "https://feeds.example.org/stages.xml"},
        "format": "cleverconnect",
        **more,
    }
    profile = read_profile(document)
    assert isinstance(profile, Profile)
    return profile


def joined(profile: Profile, *partners: Partner) -> Joined:
    made = join(profile, partners)
    assert isinstance(made, Joined), made
    return made


def test_a_new_platform_takes_part_as_its_profile_says_and_needs_a_secret() -> None:
    made = joined(BRETAGNE)
    assert made.created
    assert {"offers:publish", "offers:read"} == made.partner.scopes
    assert {"22", "29", "35", "56"} == made.partner.territory
    assert "self" == made.partner.national_delivery
    assert BRETAGNE.document == made.partner.profile
    assert (SECRET,) == made.with_secret(SECRET).secrets


def test_a_platform_whose_feed_is_pulled_may_read_and_not_publish_beside_it() -> None:
    assert {"offers:read"} == joined(pulled()).partner.scopes


def test_a_platform_that_takes_part_keeps_its_credentials_rights_and_deliveries() -> None:
    known = joined(BRETAGNE).with_secret(SECRET)
    known = replace(known, national_delivery="gateway", scopes=known.scopes | {"operate"}, territory=frozenset({"35"}))
    changed = joined(pulled(), known)
    assert not changed.created
    assert (SECRET,) == changed.partner.secrets
    assert {"offers:read", "operate"} == changed.partner.scopes
    assert "gateway" == changed.partner.national_delivery
    assert {"35"} == changed.partner.territory
    assert ("national_delivery", "region") == changed.kept


def test_unchanged_and_absent_fields_of_a_profile_are_not_reported_as_kept() -> None:
    known = joined(BRETAGNE).with_secret(SECRET)
    assert () == joined(BRETAGNE).kept
    assert () == joined(pulled(), known).kept
    silent = {name: value for name, value in pulled().document.items() if name not in {"national_delivery", "region"}}
    profile = read_profile(silent)
    assert isinstance(profile, Profile)
    assert () == joined(profile, known).kept


def test_a_territory_that_the_profile_names_replaces_the_one_before() -> None:
    known = joined(BRETAGNE).with_secret(SECRET)
    assert {"35", "44"} == joined(pulled(territory=["35", "44"]), known).partner.territory


def test_a_revoked_platform_joins_again() -> None:
    gone = replace(joined(BRETAGNE).with_secret(SECRET), revoked=True, secrets=())
    made = joined(BRETAGNE, gone)
    assert made.created
    assert not made.partner.revoked


def test_the_host_of_another_platform_is_refused() -> None:
    other = Partner(platform="normandie", name="N", scopes=frozenset(), hosts=("stages.ideo.bretagne.bzh",))
    made = join(BRETAGNE, [other])
    assert not isinstance(made, Joined)
    assert "normandie" in made[0]


@pytest.mark.parametrize("slug", sorted(profiles()))
def test_a_partner_keeps_its_profile_on_the_log_and_follows_the_schema(slug: str) -> None:
    partner = joined(profiles()[slug]).partner
    assert [] == list(schemas.validator("partner").iter_errors(partner_document(partner)))
    assert partner == read_partner(changed_record(None, partner).value or b"")
