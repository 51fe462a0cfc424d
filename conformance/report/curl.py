"""Curl commands that reproduce a case by hand."""

import shlex
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from conformance.model.case import Case, Document, Script
from conformance.model.step import Call, Clear, Follow, Order, Step
from conformance.script.body import write_body
from conformance.script.document import document_of
from conformance.script.names import Names, UnknownNameError
from conformance.script.template import fill
from conformance.words import say
from schemas.rulebook import Language


@dataclass(frozen=True, slots=True)
class _ShellNames:
    """Names in which a value from an earlier answer becomes a shell variable."""

    names: Names

    def __getitem__(self, expression: str) -> Any:
        try:
            return self.names[expression]
        except UnknownNameError:
            return "$" + "".join(sign if sign.isalnum() else "_" for sign in expression).upper()


def commands_of(case: Case, names: Names, language: Language) -> list[str]:
    """The commands, in order. The reader sets ``$TARGET``, ``$CONTROL`` and the tokens (``$PUBLISHER`` …). Steps of the
    kit's own servers (answer, serve) have none.
    """
    match case.subject:
        case Document():
            return [_judging(case.subject, names)]
        case Script(steps):
            return [line for step in steps for line in _doing(step, names, language)]


def _doing(step: Step, names: Names, language: Language) -> Iterator[str]:
    match step:
        case Call():
            yield from _calling(step, names)
        case Follow():
            asked = "&".join(filter(None, [fill(step.query, _ShellNames(names)), "limit=1000"]))
            yield (f'curl -sS "$TARGET/v1/changes?{asked}" {_bearer(step.account)}  # {say("curl-follow")[language]}')
        case Clear(account):
            yield f'curl -sS -X POST "$TARGET/v1/snapshots/marks" {_bearer(account)}'
            yield (
                """printf %s '{"count": 0}' | curl -sS -X POST "$TARGET/v1/snapshots?mark=$MARK" """
                f"{_bearer(account)} "
                f"-H 'Content-Type: application/x-ndjson' --data-binary @-  # {say('curl-confirm')[language]}"
            )
        case Order():
            given = {"offer": names[f"local.{step.offer}"]} if step.offer else {}
            yield (
                f"curl -sS -X POST \"$CONTROL/{step.action}\" -H 'Content-Type: application/json' "
                f"--data {shlex.quote(orjson.dumps(given).decode())}"
            )


def _judging(subject: Document, names: Names) -> str:
    raw = document_of(subject, names)
    if subject.kind == "offer":
        address, media_type = f'-X PUT "$TARGET/v1/offers/{names.offer_id("publisher", "a")}', "application/json"
    else:
        address, media_type = '-X POST "$TARGET/v1/offers/batch', "application/x-ndjson"
    headers = f"{_bearer('publisher')} -H 'Content-Type: {media_type}'"
    return f'{_sending(raw)} | curl -sS {address}?dry_run=true" {headers} --data-binary @-'


def _calling(step: Call, names: Names) -> Iterator[str]:
    shell_names = _ShellNames(names)
    address = f'"$TARGET{fill(step.path, shell_names)}"'
    parts = ["curl -sS -i", f"-X {step.method}", address, _bearer(step.account)]
    parts += [f"-H {shlex.quote(f'{name}: {fill(value, shell_names)}')}" for name, value in step.headers.items()]
    if step.body is None:
        yield " ".join(filter(None, parts))
        return
    content, headers = write_body(step.body, shell_names)
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    yield f"{_sending(content)} | {' '.join(filter(None, parts))} --data-binary @-"


def _bearer(account: str) -> str:
    return "" if account == "nobody" else f'-H "Authorization: Bearer ${account.upper()}"'


_MOST_CHARACTERS = 3_000


def _sending(content: bytes) -> str:
    """A shell command that prints these bytes; of a long content, a placeholder."""
    if len(content) > _MOST_CHARACTERS:
        return f"head -c {len(content)} DOCUMENT"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"echo {b64encode(content).decode()} | base64 -d"
    return f"printf %s {shlex.quote(text)}"


def render_document(case: Case, names: Names) -> str:
    """The document of a document case, indented where it is JSON, truncated; empty for a script."""
    if not isinstance(case.subject, Document):
        return ""
    raw = document_of(case.subject, names)
    try:
        return orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2).decode()[:_MOST_CHARACTERS]
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return repr(raw[:_MOST_CHARACTERS])
