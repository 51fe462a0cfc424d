"""Later submissions for a generated offer: a revision, or a withdrawal."""

import orjson

from demo.generator import GeneratedOffer


def revised(offer: GeneratedOffer, revision: int) -> GeneratedOffer:
    """The same offer after its publisher changed the number of seats; accepted or not as it was before."""
    document = {**offer.document, "revision": revision, "seats": 1 + revision % 20}
    return GeneratedOffer(offer.id, revision, orjson.dumps(document), offer.accepted, offer.expected, document)


def withdrawal(offer: GeneratedOffer, revision: int, reason: str) -> bytes:
    """The line that withdraws an offer, with a revision of its own; ``reason`` is ``filled`` or ``cancelled``."""
    return orjson.dumps({"id": offer.id, "revision": revision, "withdrawn": reason})
