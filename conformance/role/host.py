"""The kit's server for a partner's platform: the mock behind a front, with a masked journal of every exchange."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

from conformance.model.result import Exchange
from conformance.target.record import record
from conformance.target.setup import SetupError, TargetAccount
from conformance.words import say
from gateway.mock.accounts import account as partner_of
from gateway.mock.front import CLOSED, READING, Answering, ReceivedRequest, SentAnswer, refusal
from gateway.mock.host import Host, ListenError, hosted

__all__ = [
    "CLOSED",
    "READING",
    "PartnerHost",
    "ReceivedRequest",
    "SentAnswer",
    "hosting",
    "refusal",
]

PUBLISHER = ("offers:publish", "offers:read")
SUBSCRIBER = ("offers:read",)

Refused: TypeAlias = Callable[[ReceivedRequest, SentAnswer], None]


def ignored(_received: ReceivedRequest, _answered: SentAnswer) -> None:
    """Do nothing."""


class PartnerHost(Host):
    """Server for the kit's client; ``answering``, set by ``hosting``, computes the answers. ``refused`` is called with
    a request that the server refuses while it receives it.
    """

    answering: Answering

    def __init__(
        self,
        account: TargetAccount,
        journal: list[Exchange],
        *,
        scopes: Sequence[str] = PUBLISHER,
        refused: Refused = ignored,
    ) -> None:
        super().__init__()
        self.account = account
        self.scopes = scopes
        self.url = ""
        self._journal = journal
        self._refused = refused
        self._received: set[str] = set()

    async def answer(self, received: ReceivedRequest) -> SentAnswer:
        """The answer to a request that came whole."""
        self._received.add(received.id)
        return await self.answering(received)

    async def allows(self, received: ReceivedRequest, scope: str) -> bool:
        """Whether the request has a token with this scope."""
        claims = await self.claims(received)
        return claims is not None and scope in claims.scopes

    def seen(self, received: ReceivedRequest, answered: SentAnswer, milliseconds: int) -> None:
        """Record a request in the journal."""
        self._journal.append(
            record(
                method=received.method,
                url=f"{self.url}{received.target}",
                headers=dict(received.headers),
                body=received.body,
                status=0 if answered.closed else answered.status,
                answer_headers=dict(answered.headers),
                answer=answered.body,
                milliseconds=milliseconds,
            )
        )
        if received.id in self._received:
            self._received.discard(received.id)
        else:
            self._refused(received, answered)


@asynccontextmanager
async def hosting(host: PartnerHost, answering: Answering, listen: str) -> AsyncIterator[str]:
    """Serve at ``address:port`` (0: any free port); yields the base URL for the partner. Raises SetupError."""
    host.answering = answering
    account, (address, _, port) = host.account, listen.rpartition(":")
    partner = partner_of(account.platform, account.secret, scopes=host.scopes, host=account.host)
    clients = {} if account.client_id == account.platform else {account.client_id: account.platform}
    async with AsyncExitStack() as stack:
        try:
            serving = hosted(host, address.strip("[]"), int(port), partners=[partner], clients=clients)
            host.url = await stack.enter_async_context(serving)
        except (ListenError, ValueError, OverflowError) as error:
            reason = error.reason.texts if isinstance(error, ListenError) else error
            text = say("cannot-listen", listen=listen, error=reason)
            raise SetupError(text, step=say("cannot-listen-step")) from error
        yield host.url
