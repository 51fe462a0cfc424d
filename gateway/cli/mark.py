"""``passerelle mark``: request the mark of a snapshot before its export begins."""

from dataclasses import dataclass
from typing import Annotated

import typer

from gateway.cli.console import ERR
from gateway.cli.partnership import as_partner, refused
from gateway.client import Client
from gateway.runtime.loop import run
from schemas.rulebook import Language
from schemas.texts import load_words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    taken: str
    giving: str


_WORDS = load_words(_Words, "gateway", "mark")


def mark(lang: Annotated[Language, typer.Option(help="Language of the explanations.")] = "fr") -> None:
    """Take a mark, to be given to `passerelle snapshot --mark` within 24 hours.

    Take it before the export: an offer published since then never counts as absent.
    """
    taken, expires_at = run(_mark(lang))
    typer.echo(taken)
    ERR.print(_WORDS[lang].taken.format(expires_at), soft_wrap=True)


async def _mark(language: Language) -> tuple[str, str]:
    async with as_partner(language) as client:
        return await take_mark(client)


async def take_mark(client: Client) -> tuple[str, str]:
    """Request a new mark; returns it with its expiry. Raises CommandError."""
    answer = await client.call("POST", "/v1/snapshots/marks")
    if not answer.ok:
        raise refused(answer, _WORDS[client.language].giving)
    return answer.body["mark"], answer.body["expires_at"]
