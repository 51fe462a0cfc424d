"""``passerelle status``: print the platforms of the federation and the state of each.

Without credentials the command reads the views of the gateway on this machine: an account that can read its data folder
is its operator. A partner asks a running gateway, which displays the details of its own line.
"""

import os
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json, print_rows
from gateway.cli.operator_context import has_log_here
from gateway.cli.partner_context import as_partner
from gateway.federation.status import status_answer
from passerelle_client import RefusedError
from schemas.rulebook import Language
from schemas.texts import load_words

_NUMBERS = ("accepted", "refused", "delivered", "pending", "undelivered")
_TEXTS = 3
_TO_DAYS, _TO_MINUTES = len("2027-06-14"), len("2027-06-14T08:00")

_WORDS = load_words(SimpleNamespace, "gateway", "status")


@asynchronous
async def status(
    lang: Annotated[Language, typer.Option(help="Language of the table and of the errors.")] = "fr",
    *,
    as_json: AsJson = False,
) -> None:
    """Show each platform: connection and its start, offers, deliveries, backlog, and the last error.

    Where a gateway runs, with its settings, the command shows every platform. Elsewhere PASSERELLE_URL,
    PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET name gateway and credentials: a platform sees its own details.
    """
    if any(os.environ.get(name) for name in ("PASSERELLE_URL", "PASSERELLE_CLIENT_ID")):
        document = _ask(lang)
    elif not has_log_here():
        raise CommandError(_WORDS[lang].nowhere, step=_WORDS[lang].where, language=lang)
    else:
        from gateway.cli.beside import gateway_here  # noqa: PLC0415 - a partner's command starts without the gateway

        async with gateway_here(lang) as federation:
            document = await status_answer(federation, lang, operator=True)
    if as_json:
        print_json(document)
    else:
        _show(document, _WORDS[lang])


def _ask(lang: Language) -> Mapping[str, Any]:
    """The status as a partner may know it."""
    with as_partner(lang) as connection:
        answer = connection.call("GET", "/v1/platforms")
        if not answer.ok or not isinstance(answer.body, dict):
            raise RefusedError(answer, _WORDS[lang].its_status, lang)
        return answer.body


def _show(document: Mapping[str, Any], words: SimpleNamespace, console: Console = OUT) -> None:
    rows = [list(_row(line, words)) for line in document["platforms"]]
    print_rows(console, words.columns, rows, left=_TEXTS, label=words.label)
    for line in document["platforms"]:
        error = line.get("details", {}).get("last_error")
        if error is not None:
            message = words.error.format(line["name"], _moment(error["at"]), error["message"])
            console.print(Text(message, style="red" if _has_failed(line["details"]) else "dim"))
    if document["undecided"] is not None:
        console.print(words.undecided.format(_number(document["undecided"], words)))


def _row(line: Mapping[str, Any], words: SimpleNamespace) -> Iterator[Text]:
    details: Mapping[str, Any] = line.get("details", {})
    yield Text(line["platform"] or line["name"], style="red" if details and _has_failed(details) else "")
    yield Text(_connection(line, words), style="green" if line["connected"] else "dim")
    yield Text(_moment(details.get("last_success")))
    for number in (line["live"], *(details.get(name) for name in _NUMBERS)):
        yield Text("–" if number is None else _number(number, words))
    yield Text(_lag(details, words))


def _connection(line: Mapping[str, Any], words: SimpleNamespace) -> str:
    if not line["connected"]:
        return str(words.no)
    if line["kind"] == "uncovered":
        return str(words.uncovered)
    return str(line["since"] or words.yes)[:_TO_DAYS]


def _lag(details: Mapping[str, Any], words: SimpleNamespace) -> str:
    """The age of the oldest pending delivery, and the number of unread inbox messages."""
    seconds, messages = details.get("delivery_lag_seconds"), details.get("inbox_lag")
    parts = [] if seconds is None else [f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}"]
    if messages:
        parts.append(words.messages.format(_number(messages, words)))
    return ", ".join(parts) or "–"


def _number(number: int, words: SimpleNamespace) -> str:
    return f"{number:,}".replace(",", words.thousands)


def _has_failed(details: Mapping[str, Any]) -> bool:
    """Whether the last error is later than the last success; UTC timestamps sort as text."""
    error, success = details["last_error"], details["last_success"]
    return error is not None and (success is None or error["at"] > success)


def _moment(at: str | None) -> str:
    return "–" if at is None else at[:_TO_MINUTES].replace("T", " ")
