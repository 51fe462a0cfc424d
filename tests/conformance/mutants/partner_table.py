"""The wrong publishers and subscribers that a table can name: ``tables/publishers.toml`` and ``subscribers.toml``.

A row is [what must catch it, its name, what is wrong with it, …]; the rest depends on the array that it is in:

- ``documents``: steps (``edits``) that change each document before it is sent.
- ``requests``: methods, then another ``method``, ``path`` changed, ``headers`` and ``data`` of such requests.
- ``failures``: what publishes, the status at which it gives up (``drops``) or sends again all the same, and its pause.
- ``titles``, ``ids``: a step that changes the title or id that is stored. ``pages``: steps that change each page.
- ``filters``: parameters of the feed. ``skips``: changes that are left out, as expressions by pointer.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tests.conformance.mutants.edits import Step, apply_steps, changed, checked, meets
from tests.conformance.mutants.partners import PARTNERS, WrongPartner
from tests.conformance.mutants.table import TABLES
from tests.conformance.partner_fixtures import Partner, Publisher, Subscriber
from tests.conformance.partner_kinds import (
    BatchPublisher,
    FilteringSubscriber,
    KeyedPublisher,
    SnapshotPublisher,
)

Made: TypeAlias = tuple[type[Partner], dict[str, Any]]
"""A correct partner, and the members that make a wrong one of it."""
_PUBLISHERS: Mapping[str, type[Publisher]] = {
    "one by one": Publisher,
    "batches": BatchPublisher,
    "keyed batches": KeyedPublisher,
    "snapshots": SnapshotPublisher,
}


def register(table: str) -> None:
    """Register the partners of a table."""
    for kind, found in tomllib.loads((TABLES / f"{table}.toml").read_text(encoding="utf-8")).items():
        for names, name, fault, *rest in found:
            base, members = _KINDS[kind](*rest)
            if name in PARTNERS:
                raise ValueError(f"two wrong partners with one name: {name}")
            PARTNERS[name] = WrongPartner(name, fault, names, type(name.title().replace("-", ""), (base,), members))


class RenamingSubscriber(Subscriber):
    """Stores offers under another id than theirs."""

    def apply(self, change: dict[str, Any]) -> None:
        super().apply({**change, "id": self.stored(change["id"])})

    def stored(self, offer_id: str) -> str:
        raise NotImplementedError

    def offers(self) -> dict[str, Any]:
        return {row["id"]: {"sequence": row["sequence"], "title": row["title"]} for row in self.held.values()}

    def row(self, change: dict[str, Any]) -> dict[str, Any]:
        return {**super().row(change), "id": change["offer"]["id"]}


def _documents(*steps: Step) -> Made:
    def document(self: Publisher, offer_id: str, revision: int) -> Any:
        return apply_steps(Publisher.document(self, offer_id, revision), map(checked, steps))

    return Publisher, {"document": document}


def _requests(methods: str, does: Mapping[str, Any]) -> Made:
    async def exchange(
        self: Publisher, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        if method in methods.split("|") and (data is not None or "headers" not in does or "data" in does):
            path = re.sub(does["path"][0], does["path"][1], path) if "path" in does else path
            data = does["data"].encode() if "data" in does else data
            method, headers = does.get("method", method), {**headers, **does.get("headers", {})}
        return await Publisher.exchange(self, method, path, data, headers)

    return Publisher, {"exchange": exchange}


def _failures(way: str, at: int, pause: float | str) -> Made:
    base = _PUBLISHERS[way]

    async def repeats(self: Publisher, status: int, answer: Any, retry: float) -> bool:
        if status != at:
            return await base.repeats(self, status, answer, retry)
        if pause != "drops":
            await self.wait(status, retry if pause == "as asked" else float(pause))
        return pause != "drops"

    return base, {"repeats": repeats}


def _titles(step: Step) -> Made:
    def row(self: Subscriber, change: dict[str, Any]) -> dict[str, Any]:
        return {**Subscriber.row(self, change), "title": changed(change["offer"]["title"], checked(step))}

    return Subscriber, {"row": row}


def _ids(step: Step) -> Made:
    return RenamingSubscriber, {"stored": lambda _, offer_id: changed(offer_id, checked(step))}


def _pages(*steps: Step) -> Made:
    def take(self: Subscriber, page: dict[str, Any]) -> bool:
        return Subscriber.take(self, apply_steps(page, map(checked, steps)))

    return Subscriber, {"take": take}


def _filters(filters: Mapping[str, str]) -> Made:
    return FilteringSubscriber, {"filters": filters}


def _skips(where: Mapping[str, str]) -> Made:
    def apply(self: Subscriber, change: dict[str, Any]) -> None:
        if not meets(change, where):
            Subscriber.apply(self, change)

    return Subscriber, {"apply": apply}


_KINDS: Mapping[str, Callable[..., Made]] = {
    "documents": _documents,
    "requests": _requests,
    "failures": _failures,
    "titles": _titles,
    "ids": _ids,
    "pages": _pages,
    "filters": _filters,
    "skips": _skips,
}
