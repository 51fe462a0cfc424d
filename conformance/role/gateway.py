"""Role *gateway*: the kit acts as publisher, neighbour, subscriber and operator of a gateway over HTTP."""

from collections.abc import Callable
from datetime import date

import aiohttp
import orjson

from conformance.model.case import Case, Document, Script
from conformance.model.result import Exchange, Finding
from conformance.role.script_player import ScriptPlayer, wrong_status
from conformance.role.verify import NotApplicableError, compare_problems
from conformance.script.document import document_of
from conformance.script.names import Names
from conformance.script.template import value_at
from conformance.target.setup import Setup
from conformance.target.wire import Wire
from conformance.words import say


class GatewayRole:
    """Runs cases against one gateway. ``day`` returns the day in Europe/Paris."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        self._setup = setup
        self._seed = seed
        self._day = day
        self.journal: list[Exchange] = []
        accounts = {"nobody": None, "stranger": None, **setup.accounts}
        self._wires = {
            name: Wire(session, setup.target, account, self.journal, patience=setup.patience)
            for name, account in accounts.items()
        }

    async def play(self, case: Case) -> list[Finding]:
        """The findings of a case. Raises UnverifiableError, NotApplicableError, SetupError."""
        names = Names(
            seed=self._seed,
            case=case.id,
            day=self._day(),
            platforms={name: account.platform for name, account in self._setup.accounts.items()},
            hosts={name: account.host for name, account in self._setup.accounts.items() if account.host},
        )
        match case.subject:
            case Document():
                return await self._judge(case.subject, names)
            case Script(steps):
                return await ScriptPlayer(self._wires, names, self._setup).play(steps)

    async def _judge(self, subject: Document, names: Names) -> list[Finding]:
        """Compare a document's verdict by a dry run, which stores nothing. Raises NotApplicableError."""
        if not subject.live:
            raise NotApplicableError(say("offline"))
        raw = document_of(subject, names)
        if subject.kind == "offer":
            path = f"/v1/offers/{_own_id(raw, names)}?dry_run=true"
            reply = await self._wires["publisher"].call("PUT", path, headers=_JSON, body=raw)
            problems = value_at(reply.json, "/problems")
        else:
            path = "/v1/offers/batch?dry_run=true"
            reply = await self._wires["publisher"].call("POST", path, headers=_LINES, body=raw + b"\n")
            problems = value_at(reply.json, "/results/0/problems")
        status = 200 if subject.expected.accepted else 422
        if reply.status != status:
            return [wrong_status(say("at-status", place=path.partition("?")[0]), (status,), reply)]
        return compare_problems(subject.expected, [] if problems is None else problems, say("problems"))


_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}


def _own_id(raw: bytes, names: Names) -> str:
    """The document's id where it is a valid id of the publisher, else a generated one."""
    try:
        offer_id = orjson.loads(raw).get("id")
    except (orjson.JSONDecodeError, AttributeError):
        offer_id = None
    prefix = names.platforms["publisher"] + ":"
    own = isinstance(offer_id, str) and offer_id.startswith(prefix)
    local = offer_id.removeprefix(prefix) if own else ""
    plain = 0 < len(local) <= _LONGEST_LOCAL and all(sign in _SIGNS for sign in local)
    return offer_id if plain else names.offer_id("publisher", "a")


_LONGEST_LOCAL = 60
_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-")
