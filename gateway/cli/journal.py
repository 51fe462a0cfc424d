"""``passerelle journal``: the acts of operators, and the erasure of a name."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json, print_rows
from gateway.cli.desk import By, desk_here
from gateway.cli.operator_context import log_here
from gateway.log.mirror import fold_topic
from gateway.operate.journal import read_journal
from gateway.protocol.journal import (
    ACTS,
    JournalFilter,
    Names,
    clean_name,
    entry_document,
    fold_names,
    pseudonyms_of,
)
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.topic import OPERATORS

_MAX_ENTRIES = 10_000
_ERASED = "(erased)"
_HEADS = ("Number", "When", "Who", "Act", "About", "Reason", "Details")

app = typer.Typer(help="Who did what, when and why: list the acts of operators, erase a name.", no_args_is_help=True)


@app.command(name="list")
@asynchronous
async def list_entries(
    *,
    act: Annotated[list[str] | None, typer.Option(help="Only these acts, such as offer.moderate; repeat.")] = None,
    about: Annotated[str | None, typer.Option(help="Only acts on this offer, platform or account.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Only acts of this person.")] = None,
    client: Annotated[str | None, typer.Option(metavar="SLUG", help="Only acts through this API client.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="Only from this day on, such as 2027-01-15.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Only up to this day, included.")] = None,
    most: Annotated[int, typer.Option(min=1, max=_MAX_ENTRIES, help="How many, the newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the acts of operators, the newest first. Days are those of Europe/Paris."""
    unknown = sorted(set(act or ()) - set(ACTS))
    if unknown:
        raise CommandError(f"{unknown[0]} is no act.", step=f"the acts are {', '.join(ACTS)}")
    first, last = _day(since), _day(until, days=1)
    async with log_here() as log:
        names: Names = await fold_topic(log, OPERATORS, fold_names, {})
        persons = None if by is None else pseudonyms_of(names, _name(by))
        criteria = JournalFilter(
            acts=frozenset(act or ()), about=about, persons=persons, client=client, since=first, until=last
        )
        entries = await read_journal(log, criteria, most=most)
    documents = [entry_document(entry, names) for entry in entries]
    if as_json:
        print_json(documents)
        return
    if not documents:
        OUT.print("The journal has no such entry.")
        return
    print_rows(OUT, _HEADS, [_row(document) for document in documents], left=len(_HEADS))


@app.command(name="erase-name")
@asynchronous
async def erase_name(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name, as the journal has it.")],
    *,
    by: By = None,
) -> None:
    """Erase a person's name from the journal. What the person did stays, under a pseudonym that leads to no name.

    The embedded log overwrites the name within a minute of a gateway that runs, Kafka within a day or so; older backups
    keep it.
    """
    wanted = _name(name)
    async with desk_here(by, None, wanted) as desk:
        if not await desk.journal.erase_name(wanted, desk.actor):
            raise CommandError(f"The journal has no name {wanted}.", step="passerelle journal list shows the names")
    OUT.print(Text(f"✓ The name {wanted} is erased; the acts stay."))


def _row(document: Mapping[str, Any]) -> Sequence[Text]:
    from gateway.pages.journal.details import details_in_words  # noqa: PLC0415 - imports the pages

    details = details_in_words(document.get("details", {}), "en")
    cells = (
        str(document["number"]),
        document["at"][:19].replace("T", " ") + "Z",
        _who(document),
        document["act"] + (f" (entry {document['failed']} did not happen)" if "failed" in document else ""),
        document["about"],
        " ".join(document.get("why", "").split()),
        "; ".join(f"{label}: {value}" for label, value in details),
    )
    return [Text(cell) for cell in cells]


def _who(document: Mapping[str, Any]) -> str:
    """The person, the client, or the person and the client that they acted through."""
    name = (document["name"] or f"{document['person'][:8]} {_ERASED}") if "person" in document else ""
    client = document.get("client", "")
    return f"{name} / {client}" if name and client else name or client or "–"


def _name(text: str) -> str:
    try:
        return clean_name(text)
    except ValueError as error:
        raise CommandError(f"{error}.", step="give the name as passerelle journal list shows it") from error


def _day(text: str | None, *, days: int = 0) -> int | None:
    """The first instant (ms) of a day in Europe/Paris, or of the day after it."""
    if text is None:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  # a day, without a time zone
        return paris_midnight(day + timedelta(days=days))
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{text} is no day.", step="write it as 2027-01-15") from error
