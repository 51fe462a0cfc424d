"""``passerelle status``: who takes part in the federation, and how each platform does.

It asks a running gateway, as a partner, and does not read the log as ``audit`` does. The gateway keeps these numbers,
for which the log would have to be read from end to end; a partner asks for its own line in the same way as the operator
for all of them; and that a gateway does not answer is the first thing to know of its status.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from gateway.cli.console import OUT
from gateway.cli.partnership import as_partner, refused
from gateway.cli.rows import print_rows
from gateway.runtime.loop import run
from schemas.rulebook import Language
from schemas.texts import load_words

_NUMBERS = ("accepted", "refused", "delivered", "pending", "undelivered")
_TEXTS = 3
_TO_DAYS, _TO_MINUTES = len("2027-06-14"), len("2027-06-14T08:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What the table says, in one language. Columns: platform, since, success, live, then the numbers, then lag."""

    columns: tuple[str, ...]
    label: str
    yes: str
    no: str
    uncovered: str
    thousands: str
    messages: str
    error: str
    undecided: str
    telling: str


_WORDS = load_words(_Words, "gateway", "status")


def status(
    lang: Annotated[Language, typer.Option(help="Language of the table and of the errors.")] = "fr",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show each platform: connected or not and since when, its offers, what was delivered, what waits, what went wrong.

    PASSERELLE_URL, PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET say where and as whom: the scope operate sees how
    every platform does, a platform sees how itself does.
    """
    told = run(_ask(lang))
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _show(told, _WORDS[lang])


async def _ask(language: Language) -> dict[str, Any]:
    async with as_partner(language) as client:
        answer = await client.call("GET", "/v1/platforms")
    if not answer.ok or not isinstance(answer.body, dict):
        raise refused(answer, _WORDS[language].telling)
    return answer.body


def _show(told: Mapping[str, Any], words: _Words, console: Console = OUT) -> None:
    rows = [list(_row(line, words)) for line in told["platforms"]]
    print_rows(console, words.columns, rows, left=_TEXTS, label=words.label)
    for line in told["platforms"]:
        error = line.get("details", {}).get("last_error")
        if error is not None:
            said = words.error.format(line["name"], _moment(error["at"]), error["message"])
            console.print(Text(said, style="red" if _stands(line["details"]) else "dim"), soft_wrap=True)
    if told["undecided"] is not None:
        console.print(words.undecided.format(_number(told["undecided"], words)), soft_wrap=True)


def _row(line: Mapping[str, Any], words: _Words) -> Iterator[Text]:
    details: Mapping[str, Any] = line.get("details", {})
    yield Text(line["platform"] or line["name"], style="red" if details and _stands(details) else "")
    yield Text(_connection(line, words), style="green" if line["connected"] else "dim")
    yield Text(_moment(details.get("last_success")))
    for number in (line["live"], *(details.get(name) for name in _NUMBERS)):
        yield Text("–" if number is None else _number(number, words))
    yield Text(_lag(details, words))


def _connection(line: Mapping[str, Any], words: _Words) -> str:
    if not line["connected"]:
        return words.no
    if line["kind"] == "uncovered":
        return words.uncovered
    return words.yes if line["since"] is None else str(line["since"])[:_TO_DAYS]


def _lag(details: Mapping[str, Any], words: _Words) -> str:
    """How long the oldest delivery waits, and how many messages of its inbox."""
    seconds, messages = details.get("delivery_lag_seconds"), details.get("inbox_lag")
    told = [] if seconds is None else [f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}"]
    if messages:
        told.append(words.messages.format(_number(messages, words)))
    return ", ".join(told) or "–"


def _number(number: int, words: _Words) -> str:
    return f"{number:,}".replace(",", words.thousands)


def _stands(details: Mapping[str, Any]) -> bool:
    """Whether the last error came after the last success; times in UTC sort as text."""
    error, success = details["last_error"], details["last_success"]
    return error is not None and (success is None or error["at"] > success)


def _moment(at: str | None) -> str:
    return "–" if at is None else at[:_TO_MINUTES].replace("T", " ")
