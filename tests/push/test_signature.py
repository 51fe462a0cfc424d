"""Signatures of pushes: the reference library of Standard Webhooks and the client accept them, for one subscription."""

from dataclasses import replace

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.clock import now
from gateway.protocol.subscription import SigningKey, Subscription, rotated
from gateway.push.signature import consent_code, signed_headers, signing_secret
from passerelle_client.errors import SignatureError
from passerelle_client.push import verify

SECRET = b"a secret of thirty-two bytes or so"
ONE = Subscription(id="a1", name="copie", url="https://example.org/", keys=(SigningKey(nonce="00" * 16),), consent="11")
BODY = '{"changes":[],"fresh":"2026-12-01T00:00:00.000Z","more":false,"generation":1,"é":"à"}'.encode()


def secret_of(one: Subscription, *, platform: str = "normandie", number: int = 0, secret: bytes = SECRET) -> str:
    return signing_secret(secret, platform, one, one.keys[number])


def signed(one: Subscription = ONE, *, later: int = 0, platform: str = "normandie") -> dict[str, str]:
    """Signed so many milliseconds later than now: a push is too old five minutes after it was signed."""
    return signed_headers(SECRET, platform, one, message_id="msg_1", body=BODY, now=now() + later)


def test_the_reference_library_and_the_client_accept_a_push() -> None:
    """[PSH-006]"""
    verify(signed(), BODY, secret_of(ONE))
    Webhook(secret_of(ONE)).verify(BODY, signed())


@pytest.mark.parametrize(
    "other",
    [
        secret_of(replace(ONE, id="b2")),
        secret_of(replace(ONE, keys=(SigningKey(nonce="01" * 16),))),
        secret_of(ONE, platform="bretagne"),
        secret_of(ONE, secret=SECRET + b"x"),
    ],
)
def test_a_push_of_one_subscription_fails_at_every_other(other: str) -> None:
    """Also at one of the same url and name of another platform, and under another secret of the gateway."""
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(BODY, signed())
    with pytest.raises(SignatureError):
        verify(signed(), BODY, other)


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp"])
def test_a_push_with_another_id_or_time_fails(changed: str) -> None:
    headers = signed()
    other = {"webhook-id": "msg_2", "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(ONE)).verify(BODY, {**headers, changed: other[changed]})


def test_an_old_push_fails_after_five_minutes() -> None:
    old = signed(later=-301_000)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(ONE)).verify(BODY, old)
    with pytest.raises(SignatureError):
        verify(old, BODY, secret_of(ONE))


def test_both_keys_sign_for_a_day_after_a_rotation() -> None:
    both = rotated(ONE, "22" * 16, now=now())
    for number in (0, 1):
        Webhook(secret_of(both, number=number)).verify(BODY, signed(both))
    later = signed(both, later=86_400_000)
    assert 1 == len(later["webhook-signature"].split())


def test_a_code_is_of_one_url_of_one_subscription() -> None:
    codes = {
        consent_code(SECRET, "normandie", ONE),
        consent_code(SECRET, "normandie", replace(ONE, consent="12")),
        consent_code(SECRET, "normandie", replace(ONE, id="b2")),
        consent_code(SECRET, "bretagne", ONE),
    }
    assert 4 == len(codes)
    assert {16} == {len(code) for code in codes}
