"""Offers of another platform to read during development, which change each time a subscriber has read them all."""

from collections.abc import Callable
from datetime import date
from itertools import count
from typing import Any

import orjson

import schemas
from conformance.script.body import valid_offer
from conformance.script.template import Names
from conformance.standin.offers import Offers
from conformance.standin.upload import submission_of
from schemas.closed_list import closed_list

PLATFORM = "normandie"
NUMBER = 120
"""More than a page holds by default."""
_ACTIONS = ("change", *closed_list("removal"))
_MASKED: dict[str, Any] = {"redistribution": {"mask_employer": True}}
_HIDDEN: dict[str, Any] = {"redistribution": {"regions": False}}


class Seeds:
    """The seeded offers. ``day`` is the day of receipt, ``now`` the time in milliseconds since 1970."""

    def __init__(self, offers: Offers, *, day: Callable[[], date], now: Callable[[], int]) -> None:
        self._offers = offers
        self._day = day
        self._now = now
        self._names = Names(seed="serve", case="serve", day=day(), platforms={"publisher": PLATFORM})
        for number in range(1, NUMBER + 1):
            self._publish(number, 1, _MASKED if number % 10 == 0 else {})
        steps = ((lap + number, number + 1) for lap in count() for number in range(NUMBER))
        self._moves = ((number, _ACTIONS[step % len(_ACTIONS)]) for step, number in steps)

    def move(self) -> None:
        """Change the next offer in the next way: a new revision, or a removal for one of the reasons."""
        number, action = next(self._moves)
        self._act(number, action)

    def _act(self, number: int, action: str) -> None:
        offer_id = self._id(number)
        known = self._offers.get(offer_id)
        revision = 1 + (known.revision if known else 0)
        match action:
            case "change":
                self._publish(number, revision, {"seats": revision})
            case "out-of-scope":
                self._publish(number, revision, _HIDDEN)
            case _ if action in closed_list("withdrawn"):
                document = {"id": offer_id, "revision": revision, "withdrawn": action}
                verdict = schemas.check_withdrawal(orjson.dumps(document), on=self._day())
                self._offers.decide(submission_of(verdict), now=self._now())
            case _ if known is not None and known.offer is not None:
                self._offers.retire(offer_id, action, now=self._now())
            case _:
                self._publish(number, revision, {})

    def _publish(self, number: int, revision: int, more: dict[str, Any]) -> None:
        document = valid_offer(self._names, {"is": str(number), "put": {"/revision": revision}}) | more
        document["title"] = f"{document['title']} ({number})"
        verdict = schemas.check(orjson.dumps(document), on=self._day())
        self._offers.decide(submission_of(verdict), now=self._now())

    def _id(self, number: int) -> str:
        return self._names.offer_id("publisher", str(number))
