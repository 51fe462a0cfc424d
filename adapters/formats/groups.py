"""Group the problems of a feed by rule and path, with exact counts and three examples each, in bounded memory."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.formats.problem import problem

Body: TypeAlias = Mapping[str, Any]

MOST_GROUPS = 60
"""Most groups of each severity; problems of further groups are only counted."""
MOST_EXAMPLES = 3

_NUMBER = re.compile(r"(?<=/)[0-9]+(?=/|$)")
_OVERFLOW = {"error": "errors-not-listed", "warning": "warnings-not-listed"}


@dataclass(slots=True)
class _Group:
    """The first problem's body, the count and the first examples. ``pointer`` is None if the pointers differ."""

    body: Body
    pointer: str | None
    of_feed: bool
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, position: str, offer_id: str | None, body: Body) -> None:
        self.count += 1
        if body["pointer"] != self.pointer:
            self.pointer = None
        if len(self.examples) < MOST_EXAMPLES:
            example = {"position": position, "id": offer_id, "pointer": body["pointer"]}
            self.examples.append(example | ({"value": body["actual"]} if "actual" in body else {}))


class ProblemGroups:
    """Problem groups of one feed. Problems are added item by item, as their JSON in both languages."""

    def __init__(self) -> None:
        self._groups: dict[tuple[bool, str, str, str], _Group] = {}
        self._kept = dict.fromkeys(_OVERFLOW, 0)
        self._beyond = dict.fromkeys(_OVERFLOW, 0)
        self._counts = dict.fromkeys(_OVERFLOW, 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of problems by severity."""
        return dict(self._counts)

    def add(self, position: str, offer_id: str | None, problems: Sequence[Body]) -> None:
        """Count the problems of one item; problems of the feed as a whole have an empty position."""
        for body in problems:
            severity = body["severity"]
            self._counts[severity] += 1
            pointer = body.get("pointer", "")
            key = not position, severity, body["code"], _NUMBER.sub("*", pointer)
            group = self._groups.get(key)
            if group is None:
                if self._kept[severity] == MOST_GROUPS:
                    self._beyond[severity] += 1
                    continue
                self._kept[severity] += 1
                group = self._groups[key] = _Group(body, pointer, of_feed=not position)
            group.add(position, offer_id, {"pointer": "", **body})

    def to_json(self) -> tuple[Body, ...]:
        """Return the groups: those of the feed as a whole, then errors, then warnings; the largest of each first.

        Each is the JSON of its first problem with ``count``, ``examples`` (``position``, ``id``, ``pointer`` and
        ``value`` of each) and ``position`` and ``id`` of the first. Array indexes in a path that differ become ``*``.
        """
        listed = sorted(
            self._groups.items(), key=lambda one: (not one[1].of_feed, one[1].body["severity"], -one[1].count)
        )
        return (*(_written(key[-1], group) for key, group in listed), *self._overflow())

    def _overflow(self) -> Sequence[Body]:
        found = [(_OVERFLOW[severity], count) for severity, count in self._beyond.items() if count]
        bodies = [(problem(code, expected=MOST_GROUPS, actual=count).to_json(), count) for code, count in found]
        return [{**body, "count": count, "examples": [], "position": "", "id": None} for body, count in bodies]


def _written(pointer: str, group: _Group) -> Body:
    first = group.examples[0]
    return {
        "position": first["position"],
        "id": first["id"],
        **group.body,
        "pointer": pointer if group.pointer is None else group.pointer,
        "count": group.count,
        "examples": group.examples,
    }
