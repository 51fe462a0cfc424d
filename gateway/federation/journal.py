"""The acts of operators about an offer or a platform, as the journal has them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.federation.federation import Federation
from gateway.protocol.journal import JournalEntry, JournalFilter


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry of the journal, and the name of its person: None where none is named, or where it was erased."""

    entry: JournalEntry
    name: str | None


async def acts_about(federation: Federation, about: str, acts: Collection[str], *, most: int) -> Sequence[SignedEntry]:
    """The newest acts about an offer or a platform."""
    criteria = JournalFilter(acts=frozenset(acts), about=about)
    entries, _, _ = await federation.journal.page(before=None, limit=most, criteria=criteria)
    names = federation.acts.names.state
    found = ((entry, names.get(entry.person or "")) for entry in entries)
    return [SignedEntry(entry, None if name is None else name.name) for entry, name in found]
