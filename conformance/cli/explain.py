"""Explanation of a case or a requirement: the protocol's sentence, and curl commands that reproduce it by hand."""

import shlex
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from rich.console import Console

from conformance.cli.step import heading
from conformance.model.case import (
    CallStep,
    Case,
    CaseDocument,
    Clear,
    ExpectedVerdict,
    Follow,
    OrderStep,
    Reads,
    Script,
    Step,
    TokenStep,
)
from conformance.model.library import cases, coverage
from conformance.script.body import document_of, write_body
from conformance.script.template import Names, UnknownNameError, fill
from conformance.words import code_in_words, say
from schemas.requirements import sentences
from schemas.rulebook import Language

_PLATFORMS = {
    "publisher": "bretagne",
    "neighbour": "normandie",
    "subscriber": "grand-est",
    "operator": "operateur",
    "national": "national",
}
"""Platforms of the examples; a run takes those of conformance.toml."""
_HOSTS = {"subscriber": "stages.grand-est.example"}
_MAX_CHARACTERS = 3_000


def explain_to(console: Console, name: str, *, seed: str, language: Language, day: date) -> bool:
    """Print a case or a requirement; returns False when the name is unknown."""
    case = next((each for each in cases() if each.id == name), None)
    lines = _case(case, seed, language, day) if case is not None else _requirement(name, language)
    text = "\n".join(lines)
    if text:
        console.print(text, markup=False, soft_wrap=True)
    return bool(text)


def _requirement(name: str, language: Language) -> Iterator[str]:
    for each in coverage():
        if each.id == name:
            yield f"{each.id}  {each.sentence[language]}."
            if each.reason is not None:
                yield each.reason[language]
            for case in each.cases:
                yield f"  {case.id}  {case.title[language]}"


def _case(case: Case, seed: str, language: Language, day: date) -> Iterator[str]:
    names = Names(seed=seed, case=case.id, day=_day_of(case, day), platforms=_PLATFORMS, hosts=_HOSTS)
    yield f"{case.id}  {case.title[language]}"
    yield from (f"  {requirement}  {sentences()[requirement][language]}." for requirement in case.requirements)
    yield f"\n{case.explanation[language]}\n→ {case.mend[language]}"
    if isinstance(case.subject, CaseDocument):
        yield "\n" + _indented(document_of(case.subject, names))
        yield _verdict(case.subject.expected.on(names.day), language)
    yield from ("\n" + command for command in _commands(case, names, language))


def _day_of(case: Case, day: date) -> date:
    """The day of a case's document where its verdict depends on it, else ``day``."""
    return case.subject.on if isinstance(case.subject, CaseDocument) and not case.subject.live else day


def _indented(raw: bytes) -> str:
    """A document, indented where it is JSON, truncated."""
    try:
        return orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2).decode()[:_MAX_CHARACTERS]
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return repr(raw[:_MAX_CHARACTERS])


def _verdict(expected: ExpectedVerdict, language: Language) -> str:
    head = (say("accepted") if expected.accepted else say("refused"))[language]
    whole = say("the-whole")[language]
    problems = (
        f"   {code_in_words(code)[language]}  {pointer or whole}" for code, pointer in sorted(expected.problems)
    )
    return "\n".join([f"→ {head}", *problems])


@dataclass(frozen=True, slots=True)
class _ShellNames:
    """Names in which a value from an earlier answer becomes a shell variable."""

    names: Names

    def __getitem__(self, expression: str) -> Any:
        try:
            return self.names[expression]
        except UnknownNameError:
            return "$" + "".join(sign if sign.isalnum() else "_" for sign in expression).upper()


def _commands(case: Case, names: Names, language: Language) -> Iterator[str]:
    """The steps in order, each with its commands. The reader sets ``$TARGET``, ``$CONTROL`` and the tokens
    (``$PUBLISHER`` …). Steps of the kit's own servers (answer, serve) have no command.
    """
    match case.subject:
        case CaseDocument():
            yield _dry_run(case.subject, names)
        case Script(steps):
            for number, step in enumerate(steps, start=1):
                lines = [f"# {heading(number, step)[language]}", *_step(step, names, language)]
                yield "\n".join(lines)


def _step(step: Step, names: Names, language: Language) -> Iterator[str]:
    match step:
        case CallStep():
            yield _call(step, names)
        case Follow():
            query = "&".join(filter(None, [fill(step.query, _ShellNames(names)), "limit=1000"]))
            yield (f'curl -sS "$TARGET/v1/changes?{query}" {_bearer(step.account)}  # {say("curl-follow")[language]}')
        case Reads():
            query = fill(step.query, _ShellNames(names))
            for path in ("offers", "changes", "exports/csv"):
                yield f'curl -sS "$TARGET/v1/{path}?{query}" {_bearer(step.account)}'
        case TokenStep():
            scope = "" if step.scope is None else f" --data-urlencode 'scope={step.scope}'"
            yield f'curl -sS "$TARGET/oauth/token" -u "$CLIENT_ID:$SECRET" -d grant_type=client_credentials{scope}'
        case Clear(account):
            yield f'curl -sS -X POST "$TARGET/v1/snapshots/marks" {_bearer(account)}'
            yield (
                """printf %s '{"count": 0}' | curl -sS -X POST "$TARGET/v1/snapshots?mark=$MARK" """
                f"{_bearer(account)} "
                f"-H 'Content-Type: application/x-ndjson' --data-binary @-  # {say('curl-confirm')[language]}"
            )
        case OrderStep():
            given = {"offer": names[f"local.{step.offer}"]} if step.offer else {}
            yield (
                f"curl -sS -X POST \"$CONTROL/{step.action}\" -H 'Content-Type: application/json' "
                f"--data {shlex.quote(orjson.dumps(given).decode())}"
            )


def _dry_run(subject: CaseDocument, names: Names) -> str:
    raw = document_of(subject, names)
    if subject.kind == "offer":
        address, media_type = f'-X PUT "$TARGET/v1/offers/{names.offer_id("publisher", "a")}', "application/json"
    else:
        address, media_type = '-X POST "$TARGET/v1/offers/batch', "application/x-ndjson"
    headers = f"{_bearer('publisher')} -H 'Content-Type: {media_type}'"
    return f'{_print(raw)} | curl -sS {address}?dry_run=true" {headers} --data-binary @-'


def _call(step: CallStep, names: Names) -> str:
    shell_names = _ShellNames(names)
    address = f'"$TARGET{fill(step.path, shell_names)}"'
    parts = ["curl -sS -i", f"-X {step.method}", address, _bearer(step.account)]
    parts += [f"-H {shlex.quote(f'{name}: {fill(value, shell_names)}')}" for name, value in step.headers.items()]
    if step.body is None:
        return " ".join(filter(None, parts))
    content, headers = write_body(step.body, shell_names)
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    return f"{_print(content)} | {' '.join(filter(None, parts))} --data-binary @-"


def _bearer(account: str) -> str:
    return "" if account == "nobody" else f'-H "Authorization: Bearer ${account.upper()}"'


def _print(content: bytes) -> str:
    """A shell command that prints these bytes; of a long content, a placeholder."""
    if len(content) > _MAX_CHARACTERS:
        return f"head -c {len(content)} DOCUMENT"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"echo {b64encode(content).decode()} | base64 -d"
    return f"printf %s {shlex.quote(text)}"
