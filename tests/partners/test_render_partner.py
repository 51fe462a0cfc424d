"""Partners as a row: their certificates among the rest, never a secret."""

from typing import Any

import pytest

from gateway.cli.render_partner import LABELS, partner_row
from gateway.protocol.certificate import Issued
from gateway.protocol.partner import Partner
from tests.protocol.certified import issued

AHEAD = 4_000_000_000_000
"""2096."""
PAST = 1_700_000_000_000
"""2023."""


def lasting(role: str = "publisher", end: int = AHEAD, **more: Any) -> Issued:
    return issued(role=role, expires_at=end, **more)


@pytest.mark.parametrize(
    ("certificates", "text"),
    [
        ((), "none"),
        ((lasting(),), "until 2096-10-02"),
        ((lasting("subscriber"), lasting()), "until 2096-10-02, as subscriber until 2096-10-02"),
        ((lasting("gateway"), lasting(end=PAST)), "as gateway until 2096-10-02"),
        ((lasting(end=PAST),), "ended 2023-11-14"),
    ],
    ids=["none", "publisher", "both", "gateway", "ended"],
)
def test_a_row_shows_the_end_of_a_certificate(certificates: tuple[Issued, ...], text: str) -> None:
    partner = Partner(platform="bretagne", name="Bretagne", scopes=frozenset(), certificates=certificates)
    assert text == dict(zip(LABELS, partner_row(partner), strict=True))["Certificate"]
