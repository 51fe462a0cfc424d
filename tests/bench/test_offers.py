"""The bench's offers: its subscriber, the national site, reads every one that is queued, or the bench would not end."""

import orjson

import schemas
from bench.offers import documents, today
from gateway.protocol.visibility import audiences


def test_the_national_site_reads_every_accepted_offer() -> None:
    """NAT-002"""
    accepted = [raw for raw in documents(3_000) if schemas.check(raw, on=today()).accepted]
    assert 2_900 < len(accepted) < 3_000
    assert [] == [raw for raw in accepted if "national" not in audiences(orjson.loads(raw))]
