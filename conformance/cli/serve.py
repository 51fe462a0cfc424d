"""Command ``serve``: the stand-in gateway, kept up for development, with what it receives line by line."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Annotated, Any

import orjson
import typer
from aiohttp import web

from conformance import clock
from conformance.cli.output import OUT, Lang, stop
from conformance.model.result import EXIT_CODES, Exchange, Outcome
from conformance.role.host import Host, HostAnswer, PartnerRequest, hosting
from conformance.standin.gateway import StandIn
from conformance.standin.offers import Submission
from conformance.standin.publishing import Effect
from conformance.standin.seeds import PLATFORM, Seeds
from conformance.standin.tokens import PUBLISHER, SUBSCRIBER, Client
from conformance.target.setup import SetupError, TargetAccount
from conformance.words import Texts, both, joined, plain, say
from schemas.recording import masked_text
from schemas.rulebook import Language

_LOOPBACK = "127.0.0.1"
_PORT = 8090
_FIRST_PROBLEM = 400
_MAX_PROBLEMS = 3
_PUBLISHER, _SUBSCRIBER = "bretagne", "grand-est"


def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, help=both(say("help-port")))] = _PORT,
    address: Annotated[str, typer.Option(help=both(say("help-address")))] = _LOOPBACK,
    secret: Annotated[str, typer.Option(help=both(say("help-secret")), envvar="CONFORMANCE_SECRET")] = "",
    lang: Lang = "fr",
) -> None:
    """Keep the stand-in gateway up until Ctrl-C or SIGTERM, and print what it receives."""
    try:
        asyncio.run(_serve(f"{address}:{port}", secret or secrets.token_urlsafe(24), lang))
    except SetupError as error:
        stop(error.text, say("other-port-step"), EXIT_CODES[Outcome.CONFIG_ERROR], lang)
    except KeyboardInterrupt:
        OUT.print(say("served-end")[lang])


async def _serve(listen: str, secret: str, lang: Language) -> None:
    account = TargetAccount(platform=_PUBLISHER, client_id=_PUBLISHER, secret=secret)
    others = (
        Client(platform=_SUBSCRIBER, client_id=_SUBSCRIBER, secret=secret, scopes=SUBSCRIBER),
        Client(platform=PLATFORM, client_id=PLATFORM),
    )
    lines = RequestLines(lang)
    host = Host(account, Forgetful(), scopes=PUBLISHER, others=others, seen=lines.write)
    standin = StandIn(host.clients, day=clock.today, now=clock.milliseconds, observer=lines)
    seeds = Seeds(standin.offers, day=clock.today, now=clock.milliseconds)

    async def answering(ask: PartnerRequest) -> HostAnswer:
        answer = await standin.answer(ask)
        if ask.operation == "getChanges" and answer.status == 200 and not answer.body["more"]:
            seeds.move()
        return answer

    async with hosting(host, answering, listen) as url:
        OUT.print(say("served-at", url=url)[lang], markup=False, soft_wrap=True)
        for slug, role in ((_PUBLISHER, say("served-publisher")), (_SUBSCRIBER, say("served-subscriber"))):
            text = say("served-account", role=role, client=slug, secret=secret)
            OUT.print(text[lang], markup=False, soft_wrap=True)
        OUT.print(say("served-seeds", platform=PLATFORM)[lang], markup=False, soft_wrap=True)
        await asyncio.Event().wait()


class Forgetful(list[Exchange]):
    """A journal that keeps nothing: a server that is up for days would fill the memory."""

    def append(self, _: Exchange, /) -> None:
        """Keep nothing."""


_verdicts: ContextVar[Counter[str] | None] = ContextVar("verdicts", default=None)
"""The verdicts of the request in progress, in its own task."""
_LABELS: Mapping[str, Texts] = {
    "accepted": say("served-accepted"),
    "duplicate": say("served-duplicate"),
    "stale": say("served-stale"),
    "rejected": say("served-rejected"),
    "refused": say("served-refused"),
}


class RequestLines:
    """Prints one line for each request: method, address, status, and the verdicts or the problem."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def decided(self, submission: Submission, outcome: str) -> None:
        """Count the verdict of a submission."""
        if not submission.gateway:
            _count(outcome)

    def refused(self, offer_id: str | None, revision: int | None, codes: Sequence[str]) -> None:  # noqa: ARG002  # the port's
        """Count a refusal."""
        _count("refused")

    async def carry_out(self, _: Sequence[Submission], effect: Effect) -> HostAnswer:
        """The gateway's answer."""
        return effect()

    def write(self, request: web.BaseRequest, answer: HostAnswer) -> None:
        """Print the line of a request."""
        verdicts, _ = _verdicts.get() or Counter(), _verdicts.set(None)
        counts = [plain(f" × {number}" if number > 1 else "") for number in verdicts.values()]
        labels = [joined((_LABELS[name], number)) for name, number in zip(verdicts, counts, strict=True)]
        said = [", ".join(each[self._language] for each in labels)]
        if answer.status >= _FIRST_PROBLEM:
            said.append("; ".join(self._problems(answer)))
        line = f"{request.method} {masked_text(request.raw_path)}  {answer.status}  {': '.join(filter(None, said))}"
        OUT.print(line.rstrip(), markup=False, soft_wrap=True)

    def _problems(self, answer: HostAnswer) -> list[str]:
        """The sentences of a problem document, in the language of the console."""
        body: Any = orjson.loads(answer.content(self._language) or b"{}")
        results = body.get("results", ())
        listed = body.get("problems") or [each for result in results for each in result.get("problems", ())]
        if not listed:
            return [body.get("detail") or body.get("message", {}).get(self._language, "")]
        more = [f"+ {len(listed) - _MAX_PROBLEMS}"] if listed[_MAX_PROBLEMS:] else []
        return [*(f"{each['message']} ({each.get('pointer') or '/'})" for each in listed[:_MAX_PROBLEMS]), *more]


def _count(name: str) -> None:
    counted = _verdicts.get()
    if counted is None:
        counted = Counter()
        _verdicts.set(counted)
    counted[name] += 1
