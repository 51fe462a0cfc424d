"""Acts of operators on contacts, for commands and API; the journal has ids, never an address."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

from gateway.notices.contacts import ContactBook, Edit
from gateway.notices.plan import KINDS, choice_of
from gateway.operate.desk import Desk, RefusedActError, active
from gateway.protocol.contact import Choice, Contact
from gateway.protocol.record import utc
from schemas.rulebook import Language

ContactAction: TypeAlias = Literal["choose", "stop", "erase"]


async def add_contact(
    desk: Desk, book: ContactBook, slug: str, *, address: str, name: str, language: Language, mails: bool
) -> Contact:
    """Add a contact of a platform, which is asked for its consent. ``mails``: whether the gateway sends any. Raises
    RefusedActError, LogError.
    """
    active(desk.partners.get(slug), slug)
    with _refusals():
        if not mails:
            raise RefusedActError("invalid", "This gateway sends no mails: PASSERELLE_SMTP names no relay.")
        contact_id, edit = book.adding(slug, address=address, name=name, language=language)
        await _change(desk, book, slug, "contact.add", contact_id, edit)
    return book.get(contact_id)


async def change_contact(
    desk: Desk,
    book: ContactBook,
    slug: str,
    contact_id: str,
    action: ContactAction,
    choices: Mapping[str, Choice] | None = None,
) -> None:
    """Choose what a contact gets, stop it, or erase it. Raises RefusedActError, LogError."""
    with _refusals():
        match action:
            case "choose":
                act, edit = "contact.choose", book.choosing(contact_id, choices or {}, slug)
            case "stop":
                act, edit = "contact.stop", book.stopping(contact_id, "left", slug)
            case "erase":
                act, edit = "contact.erase", book.erasing(contact_id, slug)
        await _change(desk, book, slug, act, contact_id, edit)


async def _change(desk: Desk, book: ContactBook, slug: str, act: str, contact_id: str, edit: Edit) -> None:
    await book.catch_up()
    edit(book.state)  # what it refuses now is no act
    async with desk.acting(act, slug, contact=contact_id):
        await book.change(edit)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except RefusedActError as error:
        refusal = error.refusal if error.refusal == "unknown" else "contact-refused"
        raise RefusedActError(refusal, *error.findings) from error


def contact_document(contact: Contact) -> dict[str, Any]:
    """A contact as operators see it."""
    times = {"asked_at": contact.asked_at, "confirmed_at": contact.confirmed_at, "seen_at": contact.seen_at}
    return {
        "id": contact.id,
        "address": contact.address,
        "name": contact.name,
        "language": contact.language,
        "choices": {kind: choice_of(contact, kind) for kind in KINDS},
        **{name: utc(at) for name, at in times.items() if at is not None},
        **({} if contact.stopped is None else {"stopped": contact.stopped}),
    }
