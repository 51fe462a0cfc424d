"""``passerelle mock``: a gateway for a partner's tests, in memory, with faults on demand."""

import asyncio
import os
import signal
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated
from unicodedata import category

import orjson
import typer
from rich.text import Text

import schemas
from gateway.cli.console import OUT, CommandError, Lang
from gateway.cli.validate import Activated, activations_of
from gateway.clock import Clock, now
from gateway.mock.core import StoppedPartError
from gateway.mock.faults import FaultError, FaultScenario, read_scenario
from gateway.mock.front import ReceivedRequest, SentAnswer
from gateway.mock.host import ListenError
from gateway.mock.mock import mocking
from gateway.mock.seeds import PLATFORM, known_days
from gateway.protocol.paris_time import paris_date
from gateway.runtime.listening import format_endpoint
from gateway.runtime.logs import configure_logs
from gateway.runtime.loop import run
from schemas.bilingual import spoken, system_reason
from schemas.recording import masked_text
from schemas.rulebook import Language, message_of
from schemas.texts import load_words

_WORDS = load_words(SimpleNamespace, "gateway", "mock")
_REFUSED = ("PASSERELLE_DATA", "PASSERELLE_KAFKA")
_DAY_MS = 86_400_000
_FIRST_PROBLEM = 400
_MAX_PROBLEMS = 3


def mock(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free port.")] = 8090,
    address: Annotated[
        str, typer.Option(help="An address of this machine: 127.0.0.1, ::1 or localhost.")
    ] = "127.0.0.1",
    clock: Annotated[
        str, typer.Option(metavar="DATE", help="Answer as on this day (ISO date); by default today.")
    ] = "",
    activated: Activated = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A scenario: a JSON list of faults for the requests to come.")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Run a gateway for tests of your platform, in memory, on this machine: any client id and secret get a token.

    Offers of another platform can be read; a request with the header Passerelle-Mock-Fault meets that fault;
    GET /mock/requests lists what came. Each answer has Passerelle-Mock: 1. Ctrl-C ends it, and nothing is kept.
    """
    words = _WORDS[lang]
    for name in _REFUSED:
        if os.environ.get(name):
            raise CommandError(words.real.format(name=name), step=words.real_step.format(name=name), language=lang)
    configure_logs("error")
    try:
        days = activations_of(activated, lang)
        run(_mock(address, port, _scenario(faults, lang), _clock(clock, lang), days, lang))
    except (ListenError, StoppedPartError) as error:
        raise ended_by(error, format_endpoint(address, port), lang) from error
    OUT.print(words.end)


def ended_by(error: ListenError | StoppedPartError, at: str, lang: Language) -> CommandError:
    """The error of the command for one of the mock at this endpoint."""
    words = _WORDS[lang]
    if isinstance(error, StoppedPartError):
        return CommandError(words.stopped.format(error=error), step=words.stopped_step, language=lang)
    text = words.listen.format(at=at, reason=spoken(error.reason, lang))
    return CommandError(text, step=words.listen_step, language=lang)


async def _mock(
    address: str, port: int, scenario: FaultScenario, clock: Clock, days: schemas.Activations, lang: Language
) -> None:
    words, stopping = _WORDS[lang], asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    def line(received: ReceivedRequest, answered: SentAnswer, verdicts: Mapping[str, int], fault: str) -> None:
        _print(_line(received, answered, verdicts, fault, lang))

    async with mocking(host=address, port=port, line=line, scenario=scenario, clock=clock, activations=days) as url:
        for text in (words.at.format(url=url), words.account, words.seeds.format(platform=PLATFORM)):
            _print(text)
        await stopping.wait()


def _clock(day: str, lang: Language) -> Clock:
    if not day:
        return now
    words, (first, last) = _WORDS[lang], known_days()
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise CommandError(words.day.format(day=day), step=words.day_step, language=lang) from None
    if not first <= wanted <= last:
        step = words.days_step.format(first=first, last=last)
        raise CommandError(words.day.format(day=day), step=step, language=lang)
    shift = (wanted - date.fromisoformat(paris_date(now()))).days * _DAY_MS
    return lambda: now() + shift


def _scenario(file: Path | None, lang: Language) -> FaultScenario:
    if file is None:
        return FaultScenario()
    try:
        return FaultScenario(read_scenario(orjson.loads(file.read_bytes())))
    except orjson.JSONDecodeError as error:
        reason = str(error)
    except OSError as error:
        reason = spoken(system_reason(error), lang)
    except FaultError as error:
        reason = spoken(error.reason, lang)
    words = _WORDS[lang]
    raise CommandError(words.scenario.format(file=file, error=reason), step=words.scenario_step, language=lang)


def _line(
    received: ReceivedRequest, answered: SentAnswer, verdicts: Mapping[str, int], fault: str, lang: Language
) -> str:
    """One line: method, address, status, the fault that was met, and the verdicts or the problems."""
    words, body = _WORDS[lang].verdicts, answered.document
    counts = {**verdicts, **({"refused": refused} if (refused := body.get("refused") or _refused(answered)) else {})}
    parts = [
        _WORDS[lang].fault.format(fault=fault) if fault else "",
        ", ".join(words[name] + (f" × {number}" if number > 1 else "") for name, number in counts.items()),
    ]
    if answered.status >= _FIRST_PROBLEM:
        parts.append("; ".join(_problems(answered, lang)))
    status = "–" if answered.closed else answered.status
    return f"{received.method} {masked_text(received.target)}  {status}  {': '.join(filter(None, parts))}".rstrip()


def _refused(answered: SentAnswer) -> int:
    return int(answered.status == 422 and bool(answered.document.get("problems")))


def _problems(answered: SentAnswer, lang: Language) -> list[str]:
    """The sentences of a problem document."""
    body = answered.document
    listed = body.get("problems") or [each for result in body.get("results", ()) for each in result.get("problems", ())]
    if not listed:
        known = message_of({**body, "message": body["detail"]}) if "code" in body else body.get("message", {})
        return [str(known.get(lang) or body.get("error", ""))]
    more = [f"+ {len(listed) - _MAX_PROBLEMS}"] if listed[_MAX_PROBLEMS:] else []
    return [*(f"{message_of(each)[lang]} ({each.get('pointer') or '/'})" for each in listed[:_MAX_PROBLEMS]), *more]


def _print(text: str) -> None:
    """Print a line, with the control characters that a client sent in an escaped form."""
    escaped = "".join(repr(sign)[1:-1] if category(sign).startswith("C") else sign for sign in text)
    OUT.print(Text(escaped))
