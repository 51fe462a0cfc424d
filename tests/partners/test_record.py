"""A partner is read from the log as it was written, and its record follows the schema."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from gateway.partners.record import changed_record, partner_document, read_partner
from gateway.protocol.certificate import ROLES
from gateway.protocol.partner import SCOPES, Partner, Secret
from tests.protocol.certified import DAY, NOW, issued, nonce

pytestmark = pytest.mark.slow

_SECRETS = st.builds(
    Secret,
    hash=st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True),
    created_at=st.integers(0, 2**53),
    ends_at=st.none() | st.integers(0, 2**53),
)
PARTNERS = st.builds(
    Partner,
    platform=st.from_regex(r"[a-f]{1,9}(-[a-f0-9]{1,9})?", fullmatch=True),
    name=st.text(st.characters(categories=("L", "N")), min_size=1, max_size=150),
    scopes=st.frozensets(st.sampled_from(SCOPES)),
    territory=st.frozensets(st.sampled_from(("01", "2A", "35", "974"))),
    national_delivery=st.sampled_from(("gateway", "self")),
    inbox=st.booleans(),
    feed=st.booleans(),
    hosts=st.lists(st.sampled_from(("a.example", "b.example")), unique=True).map(tuple),
    secrets=st.lists(_SECRETS, max_size=2).map(tuple),
    jwks=st.none() | st.just({"keys": []}),
    issuer=st.none() | st.just("https://id.example/realm"),
    certificates=st.lists(
        st.builds(
            lambda role, days: issued(role=role, expires_at=NOW + days * DAY),
            st.sampled_from(ROLES),
            st.integers(1, 9_999),
        ),
        max_size=2,
    ).map(tuple),
    nonces=st.sampled_from(((), (nonce(),), (nonce(text="N" * 64), nonce(used_at=NOW)))),
    joined_at=st.none() | st.integers(0, 2**53),
    revoked=st.booleans(),
)


@given(PARTNERS)
def test_a_partner_survives_the_log(partner: Partner) -> None:
    record = changed_record(None, partner)
    assert partner.platform.encode() == record.key
    assert partner == read_partner(record.value or b"")


@given(PARTNERS)
def test_the_record_on_the_log_follows_the_schema(partner: Partner) -> None:
    assert [] == list(schemas.validator("partner").iter_errors(partner_document(partner)))


def test_members_of_a_later_version_are_left_aside() -> None:
    document = {"platform": "x", "name": "X", "scopes": ["offers:read", "offers:dance"], "colour": "green"}
    assert Partner(platform="x", name="X", scopes=frozenset({"offers:read"})) == read_partner(orjson.dumps(document))
