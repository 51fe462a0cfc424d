"""Offers of another platform to read, which change each time a subscriber has read them all."""

import asyncio
from datetime import date, timedelta
from itertools import count
from typing import Any

import orjson

import schemas
from gateway.federation import Federation
from gateway.protocol.paris_time import paris_date
from gateway.protocol.submission import Lift, Publish, Retire, Submission, Withdraw
from gateway.protocol.topic import OFFERS
from schemas.closed_list import closed_list
from schemas.schoolyear import years

PLATFORM = "normandie"
NUMBER = 120
"""More than a page holds by default."""
_SECONDS = 10.0
MOVES = ("change", *(reason for reason in closed_list("removal") if reason != "expired"))
"""Changes of the seeds, in turn; none expires, since that takes days."""
_MASKED: dict[str, Any] = {"redistribution": {"mask_employer": True}}
_HIDDEN: dict[str, Any] = {"redistribution": {"regions": False}}


class Seeds:
    """The seeded offers of a federation. ``read_whole`` is set when a subscriber has read them all."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self.read_whole = asyncio.Event()
        self._revisions = dict.fromkeys(range(1, NUMBER + 1), 1)
        steps = ((lap + number, number + 1) for lap in count() for number in range(NUMBER))
        self._moves = ((number, MOVES[step % len(MOVES)]) for step, number in steps)

    async def plant(self) -> None:
        """Publish all of them; they can be read when it returns."""
        federation = self._federation
        offers = [self._offer(number, **(_MASKED if number % 10 == 0 else {})) for number in self._revisions]
        await self._submit(*offers)
        await federation.receipts.wait(offers[-1].receipt, _SECONDS)
        await federation.offers.reached(await federation.log.ends(OFFERS), _SECONDS)

    async def run(self, pause: float) -> None:
        """Move one whenever a subscriber has read them all, but none for ``pause`` seconds after a move: it wakes those
        who wait for a change, and their answers are no reason for the next one.
        """
        while True:
            await self.read_whole.wait()
            await self.move()
            await asyncio.sleep(pause)
            self.read_whole.clear()

    async def move(self) -> None:
        """Change the next offer in the next way: a new revision, or a removal for one of the reasons."""
        number, action = next(self._moves)
        state = await self._federation.offers.get(_id(number))
        if state is None:
            return
        if state.known.reason == "moderated":
            await self._submit(Lift(receipt=self._receipt(number), id=_id(number), if_revision=state.known.revision))
        self._revisions[number] += 1
        match action:
            case "change":
                await self._submit(self._offer(number, seats=self._revisions[number]))
            case "out-of-scope":
                await self._submit(self._offer(number, **_HIDDEN))
            case _ if action in closed_list("withdrawn"):
                document = {"id": _id(number), "revision": self._revisions[number], "withdrawn": action}
                verdict = schemas.check_withdrawal(orjson.dumps(document), on=self._day)
                await self._submit(self._prepared(verdict))
            case _ if state.known.published:
                await self._submit(self._retirement(number, action, state.known.revision))
            case _:
                await self._submit(self._offer(number))

    @property
    def _day(self) -> date:
        return date.fromisoformat(paris_date(self._federation.clock()))

    def _offer(self, number: int, **more: Any) -> Publish | Withdraw:
        document = {**document_of(_id(number), self._day), "revision": self._revisions[number], **more}
        document["title"] = f"{document['title']} ({number})"
        return self._prepared(schemas.check(orjson.dumps(document), on=self._day))

    def _prepared(self, verdict: schemas.Verdict) -> Publish | Withdraw:
        hosts = self._federation.partners.hosts()
        return self._federation.submissions.prepare(verdict, publisher=PLATFORM, hosts=hosts)

    def _retirement(self, number: int, reason: str, revision: int) -> Retire:
        return Retire(receipt=self._receipt(number), id=_id(number), if_revision=revision, reason=reason)

    def _receipt(self, number: int) -> str:
        parts = ("seed", number, self._revisions[number], self._federation.clock())
        return self._federation.ids.derive(PLATFORM, partition=0, parts=parts)

    async def _submit(self, *submissions: Submission) -> None:
        await self._federation.submissions.submit(submissions)


def document_of(offer_id: str, day: date) -> dict[str, Any]:
    """A valid offer on this day, one of ``known_days``, in its first revision."""
    coming = [week for year in years() for week in year.weeks if _sunday(week) >= day]
    return {
        "id": offer_id,
        "revision": 1,
        "title": "Découverte d’un atelier de menuiserie",
        "description": "Observer la fabrication d’un meuble, du dessin à la pose.",
        "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
        "location": {"street": "4 quai de Caen", "postal_code": "76000", "city": "Rouen"},
        "levels": ["seconde"],
        "weeks": [coming[0]],
        "sector": "s5",
        "apply_url": f"https://stages.example/{offer_id.partition(':')[2]}",
    }


def known_days() -> tuple[date, date]:
    """The first and last day on which there are valid offers: from the first school year to the last mandatory week."""
    return years()[0].first, _sunday(max(week for year in years() for week in year.weeks))


def _sunday(week: str) -> date:
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1) + timedelta(days=6)


def _id(number: int) -> str:
    return f"{PLATFORM}:{number}"
