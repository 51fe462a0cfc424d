"""One offer, its known state, and a submission of each kind."""

from typing import Any

from gateway.protocol.submission import Forget, Known, Lift, Publish, Retire, Submission, Withdraw

OFFER = {
    "id": "bretagne:1",
    "title": "Découverte d'un atelier",
    "employer": {"name": "Atelier du Port", "siret": "73282932000074", "public": False},
    "location": {
        "postal_code": "35000",
        "city": "Rennes",
        "street": "1 quai Sud",
        "latitude": 48.11,
        "longitude": -1.68,
    },
    "levels": ["seconde"],
    "weeks": ["2027-W24", "2027-W25"],
    "sector": "s5",
    "apply_url": "https://www.stages.example/1",
    "extensions": {"bretagne": {"note": "x"}},
}
TERRITORY = {"department": "35", "region": "53", "academie": "rennes"}


def known(**more: Any) -> Known:
    fields: dict[str, Any] = {
        "revision": 1,
        "digest": "aa",
        "sequence": 5,
        "position": 0,
        "appended_at": 1_796_000_000_000,
    }
    fields = {**fields, "provenance": ("bretagne",), "shared": frozenset({"regions", "national"}), **more}
    return Known(**{"never": frozenset(fields["provenance"]), **fields})


SUBMISSIONS: list[Submission] = [
    Publish(
        receipt="r1",
        publisher="bretagne",
        id="bretagne:1",
        revision=2,
        digest="aa",
        offer=OFFER,
        audiences=("national",),
        territory=TERRITORY,
        expires_on="2027-06-27",
        problems=({"code": "x"},),
        provenance=("bretagne",),
        mark=4,
        traceparent="00-a-b-01",
    ),
    Withdraw(receipt="r2", publisher="bretagne", id="bretagne:1", revision=3, reason="filled", digest="bb"),
    Retire(receipt="r3", id="bretagne:1", if_revision=3, reason="absent", before=7),
    Lift(receipt="r4", id="bretagne:1", if_revision=3),
    Forget(receipt="r5", id="bretagne:1", if_sequence=9),
]
