"""A new partner is made from its preset and the given options; all errors are reported at once."""

from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from gateway.partners.credential import revoke
from gateway.partners.onboarding import PartnerInput, issuer_findings, new_partner, presets
from gateway.protocol.partner import Partner

KEYS: dict[str, object] = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}


def findings(slug: str, wish: PartnerInput, *others: Partner) -> str:
    made = new_partner(slug, wish, others=others)
    assert isinstance(made, tuple)
    return " ".join(made)


def test_a_known_platform_needs_no_more_than_its_slug() -> None:
    assert presets()["normandie"] == new_partner("normandie", PartnerInput(), others=())


def test_given_options_override_the_preset() -> None:
    wish = PartnerInput(
        name="Elle",
        scopes=["offers:read"],
        departments=["35", "2A"],
        hosts=["elle.example"],
        national_delivery="gateway",
        inbox=True,
        feed=True,
        jwks=KEYS,
        issuer="https://id.example/realm",
    )
    assert Partner(
        platform="bretagne",
        name="Elle",
        scopes=frozenset({"offers:read"}),
        territory=frozenset({"35", "2A"}),
        national_delivery="gateway",
        inbox=True,
        feed=True,
        hosts=("elle.example",),
        jwks=KEYS,
        issuer="https://id.example/realm",
    ) == new_partner("bretagne", wish, others=())


def test_any_other_platform_can_take_part_under_a_name() -> None:
    """A department's platform is a partner like any other (IDN-002)."""
    made = new_partner("sarthe", PartnerInput(name="Sarthe"), others=())
    assert isinstance(made, Partner)
    assert ["offers:publish", "offers:read"] == sorted(made.scopes)
    assert (frozenset(), "gateway") == (made.territory, made.national_delivery)
    assert "--name" in findings("sarthe", PartnerInput())


@pytest.mark.parametrize("slug", ["", "Bretagne", "bretagne:1", "a--b", "gateway", "é", "x" * 41, "../x"])
def test_a_slug_that_cannot_name_a_platform_is_refused(slug: str) -> None:
    """IDN-002."""
    assert "cannot name a platform" in findings(slug, PartnerInput(name="X"))


def test_an_active_partner_is_not_added_twice_and_a_revoked_one_may_return() -> None:
    known = presets()["bretagne"]
    assert "bretagne takes part already." in findings("bretagne", PartnerInput(), known)
    assert known == new_partner("bretagne", PartnerInput(), others=[revoke(known)])


def test_everything_wrong_is_reported_at_once() -> None:
    wish = PartnerInput(
        name=" ",
        scopes=["offers:dance"],
        departments=["99"],
        hosts=["https://x", "www.x.example", "stages.iledefrance.fr"],
        national_delivery="nobody",
        jwks={"keys": []},
        issuer="http://id.example",
    )
    text = findings("bretagne", wish, presets()["ile-de-france"])
    for part in (
        "name must have",
        "offers:dance is not a scope",
        "99 is not the INSEE code",
        "https://x is not a host name",
        "www.x.example is not a host name",
        "is the host of ile-de-france",
        "gateway or self",
        "0 keys",
        "http://id.example is no issuer",
    ):
        assert part in text


def test_a_host_of_a_revoked_platform_can_be_taken_over() -> None:
    former = revoke(replace(presets()["ile-de-france"], platform="former"))
    wish = PartnerInput(hosts=list(former.hosts))
    assert isinstance(new_partner("ile-de-france", wish, others=[former]), Partner)


@pytest.mark.parametrize("issuer", ["https://id.example", "https://id.example:8443/realms/stages"])
def test_an_issuer_is_an_https_url_with_a_host_name(issuer: str) -> None:
    assert () == issuer_findings(issuer)


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "id.example",
        "http://id.example",
        "https://",
        "https://localhost",
        "https://127.0.0.1",
        "https://[::1]/x",
        "https://[bad",
        "https://id.example:99999",
        "https://user@id.example",
        "https://id.example/?x=1",
        "https://id.example/#x",
    ],
)
def test_an_invalid_issuer_is_refused(issuer: str) -> None:
    """RFC 8414, section 2."""
    assert 1 == len(issuer_findings(issuer))
