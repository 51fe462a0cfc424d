"""What the page of any offer needs of the federation."""

from collections.abc import Sequence

from aiohttp import web

from gateway.api.work import work_of
from gateway.errors import CodedError, LogError
from gateway.federation import Federation
from gateway.federation.journal import acts_about
from gateway.federation.offers import OfferPage, offer_history, search_offers
from gateway.federation.platform import platform_names
from gateway.log.positions import end_of
from gateway.operate.moderation import Moderation, moderation_command, write_entry
from gateway.pages.moderation import ModerationPort
from gateway.pages.moderation.port import ModerationOutcome, OfferFacts
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import ActName, Actor
from gateway.protocol.topic import JOURNAL, OFFERS
from gateway.store.search.search import OUTSIDER

DECISION_SECONDS = 10.0
"""How long a form waits for the decision of a moderation."""
_CATCH_UP_SECONDS = 10.0
_SEEN_SECONDS = 5.0
"""How long a form waits until the next page displays what it did."""
_EXAMINED = 100_000
"""Offers that one request compares with a searched text."""
_ACTS = 20
_MODERATION: frozenset[ActName] = frozenset({"offer.moderate", "offer.lift"})


def moderation_port(federation: Federation, *, decision_seconds: float = DECISION_SECONDS) -> ModerationPort:
    """The port of the page of any offer."""
    desk = _Offers(federation, decision_seconds)
    return ModerationPort(
        ready=lambda: federation.caught_up,
        platforms=lambda: platform_names(federation),
        search=desk.search,
        offer=desk.offer,
        moderate=desk.moderate,
    )


class _Offers:
    def __init__(self, federation: Federation, decision_seconds: float) -> None:
        self._federation = federation
        self._decision_seconds = decision_seconds

    async def search(self, platforms: Sequence[str], query: str, after: str | None) -> OfferPage:
        return await search_offers(self._federation.offers, platforms, query, after, most=_EXAMINED)

    async def offer(self, offer_id: str) -> OfferFacts | None:
        history = await offer_history(self._federation, offer_id, duplicates_for=OUTSIDER)
        if history is None:
            return None
        return OfferFacts(history=history, acts=await acts_about(self._federation, offer_id, _MODERATION, most=_ACTS))

    async def moderate(self, request: web.Request, asked: Moderation, sequence: int, actor: Actor) -> ModerationOutcome:
        """As the API does: any newer change of the offer prevails (WDR-006). Raises LogError."""
        federation, work = self._federation, work_of(request)
        end = await end_of(federation.log, OFFERS, partition_of(asked.offer_id, federation.log.partitions))
        if not await work.wait(federation.offers.reached(end, _CATCH_UP_SECONDS), otherwise=False):
            return "behind"
        state = await federation.offers.get(asked.offer_id)
        known = None if state is None else state.known
        try:
            command = moderation_command(asked, known, ids=federation.ids, partitions=federation.log.partitions)
        except CodedError as error:
            return _refusal(error.code)
        if known is None or known.sequence != sequence:
            return "changed"
        await write_entry(federation.acts, asked, actor)
        [outcome] = await federation.submissions.submit([command])
        if isinstance(outcome, LogError):
            raise outcome
        receipt = await work.wait(federation.receipts.wait(command.receipt, self._decision_seconds), None)
        await federation.displayed(OFFERS, JOURNAL)
        if receipt is None:
            return "undecided"
        return "done" if receipt["verdict"] == "accepted" else "overtaken"


def _refusal(code: str) -> ModerationOutcome:
    match code:
        case "offer-unknown" | "already-moderated" | "not-moderated":
            return code
    raise ValueError(f"{code} is no refusal of a moderation")
