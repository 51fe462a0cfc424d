"""``passerelle contact``: the persons to whom notices of a platform are sent."""

from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json, print_rows
from gateway.cli.desk import Slug, acting
from gateway.cli.operator_context import log_here, secret_here, settings_here
from gateway.notices.acts import ContactAction, add_contact, change_contact, contact_document
from gateway.notices.contacts import ContactBook
from gateway.operate.desk import Desk
from gateway.protocol.contact import CHOICES, Choice
from schemas.rulebook import Language

_HEADS = ("Id", "Name", "Address", "State")
_STEPS = {
    "unknown": "passerelle partner list and passerelle contact list {0} show them",
    "contact-refused": "correct that, then run the same command again",
}

app = typer.Typer(help="Persons to whom notices are sent: list, add, choose, stop, erase.", no_args_is_help=True)
ContactId = Annotated[str, typer.Argument(metavar="ID", help="The contact's id, of passerelle contact list.")]


@app.command(name="list")
@asynchronous
async def list_contacts(slug: Slug, *, as_json: AsJson = False) -> None:
    """List the contacts of a platform."""
    async with log_here() as log, ContactBook(log, secret=secret_here()).caught_up_once() as book:
        documents = [contact_document(one) for one in book.of(slug)]
    if as_json:
        print_json({"contacts": documents})
        return
    rows = [[Text(one["id"]), Text(one["name"]), Text(one["address"]), Text(_state(one))] for one in documents]
    print_rows(OUT, _HEADS, rows, left=len(_HEADS))


@app.command()
@acting(steps=_STEPS)
async def add(
    desk: Desk,
    slug: Slug,
    *,
    address: Annotated[str, typer.Option(help="The e-mail address; it is asked for its consent.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    lang: Annotated[Language, typer.Option(help="Language of the mails.")] = "fr",
    as_json: AsJson = False,
) -> None:
    """Add a contact of a platform. It gets one mail, and nothing else before it has agreed."""
    async with ContactBook(desk.log, secret=secret_here()).caught_up_once() as book:
        mails = settings_here().smtp is not None
        contact = await add_contact(desk, book, slug, address=address, name=name, language=lang, mails=mails)
    if as_json:
        print_json(contact_document(contact))
        return
    OUT.print(f"[green]✓[/] {contact.id}: asked for consent, which ends in seven days.", soft_wrap=True)


@app.command()
@acting(steps=_STEPS)
async def choose(
    desk: Desk,
    slug: Slug,
    contact: ContactId,
    *,
    notices: Annotated[list[str], typer.Option("--notice", metavar="KIND=now|daily|never", help="Repeat.")],
) -> None:
    """Choose what a contact gets, and when."""
    choices: dict[str, Choice] = {}
    for one in notices:
        kind, _, chosen = one.partition("=")
        found = next((choice for choice in CHOICES if choice == chosen), None)
        if found is None:
            raise CommandError(f"{one} is no choice.", step=f"write KIND={'|'.join(CHOICES)}")
        choices[kind] = found
    await _act(desk, slug, contact, "choose", choices)


@app.command()
@acting(steps=_STEPS)
async def stop(desk: Desk, slug: Slug, contact: ContactId) -> None:
    """Send nothing more to a contact."""
    await _act(desk, slug, contact, "stop")


@app.command()
@acting(steps=_STEPS)
async def erase(desk: Desk, slug: Slug, contact: ContactId) -> None:
    """Erase a contact."""
    await _act(desk, slug, contact, "erase")


async def _act(
    desk: Desk, slug: str, contact: str, action: ContactAction, choices: dict[str, Choice] | None = None
) -> None:
    async with ContactBook(desk.log, secret=secret_here()).caught_up_once() as book:
        await change_contact(desk, book, slug, contact, action, choices)
    OUT.print("[green]✓[/] Done.")


def _state(document: dict[str, object]) -> str:
    stopped = document.get("stopped")
    return f"stopped: {stopped}" if stopped else "confirmed" if "confirmed_at" in document else "asked"
