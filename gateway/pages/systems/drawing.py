"""The picture of the flow: three columns, ribbons as wide as their numbers, labels where they have room. Pure.

Between sources and gateway, and on to what no subscriber gets, one scale counts submissions. Another one counts offers
on to the subscribers, where an offer counts with each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from gateway.pages.systems.flow import Access, Flow, Subscriber, SystemFlow

Stop: TypeAlias = Literal["unchanged", "stale", "refused"]
Entry = TypeVar("Entry")

WIDTH = 760
MAX_ENTRIES = 14
"""Labels of one side; further systems share one."""
NODE = 8
"""Width of a node."""
SOURCE_X, GATEWAY_X, RELAYED_X, SUBSCRIBER_X = 220, 316, 424, 552
_TALL = 230.0
"""Height of the gateway's node."""
_GAP, _LINE = 4.0, 17.0
_LINES: Mapping[Access, int] = {"site": 3, "topic": 2, "api": 1}
"""Lines of a subscriber's label."""
_HEAD = 26.0
"""Room above the columns, for the gateway's label."""
_LEAST = 1.5
_TEXT = 4.5
"""From the middle of a line of text to its baseline."""


@dataclass(frozen=True, slots=True)
class NodeShape(Generic[Entry]):
    """A node with its ribbon. ``one``: its system, subscriber or stop, None for the further ones, of which there are
    ``others``; ``x``, ``y`` and ``height`` are the node's, without a ribbon where nothing flows; ``line`` is the first
    baseline of its label.
    """

    one: Entry
    others: int
    number: int
    x: float
    y: float
    height: float
    ribbon: str
    line: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The whole picture, in units of its view box."""

    width: int
    height: float
    judged: int
    gateway_x: float
    gateway_y: float
    gateway_height: float
    relayed: NodeShape[None]
    sources: Sequence[NodeShape[SystemFlow | None]]
    subscribers: Sequence[NodeShape[Subscriber | None]]
    stops: Sequence[NodeShape[Stop]]


def drawing(found: Flow) -> Drawing | None:
    """The picture of a flow; None where nothing was sent."""
    total = found.total
    if not total.received:
        return None
    unit = _TALL / total.received
    sources = _fewer([(one, one.received) for one in found.sources])
    subscribers = _fewer([(one, one.offered) for one in found.subscribers])
    all_stops: Sequence[tuple[Stop, int, int]] = (
        ("unchanged", total.unchanged, 0),
        ("stale", total.stale, 0),
        ("refused", total.refused, 0),
    )
    stops = [stop for stop in all_stops if stop[1]]
    relayed = total.relayed * unit
    offered = sum(number for _, number, _ in subscribers)
    fan = relayed / offered if offered else 0.0
    left = _placed([number * unit for _, number, _ in sources], [_LINE] * len(sources))
    leasts = [_LINE * _lines(one) for one, _, _ in subscribers]
    right = _placed([number * fan for _, number, _ in subscribers] or [relayed], leasts or [_LINE])
    below = _placed([number * unit for _, number, _ in stops], [2 * _LINE] * len(stops))
    room = _end(right) + (_LINE + _end(below) if stops else 0.0)
    height = _HEAD + max(_end(left), room, _TALL)
    begin_left, begin_right = _HEAD + (height - _HEAD - _end(left)) / 2, _HEAD + (height - _HEAD - room) / 2
    gateway = _HEAD + (height - _HEAD - _TALL) / 2
    begin_below = begin_right + _end(right) + _LINE
    relayed_y = begin_right + (_end(right) - relayed) / 2
    return Drawing(
        width=WIDTH,
        height=round(height, 1),
        judged=total.received,
        gateway_x=GATEWAY_X,
        gateway_y=round(gateway, 1),
        gateway_height=_TALL,
        relayed=NodeShape(
            None,
            0,
            total.relayed,
            RELAYED_X,
            *_rounded(relayed_y, relayed),
            ribbon(GATEWAY_X + NODE, gateway, RELAYED_X, relayed_y, relayed) if relayed else "",
            round(relayed_y - 8, 1),
        ),
        sources=[*_column(sources, left, begin_left, gateway, (SOURCE_X, GATEWAY_X))],
        subscribers=[*_column(subscribers, right, begin_right, relayed_y, (SUBSCRIBER_X, RELAYED_X))],
        stops=[*_column(stops, below, begin_below, gateway + relayed, (RELAYED_X, GATEWAY_X))],
    )


def ribbon(x: float, y: float, to_x: float, to_y: float, height: float) -> str:
    """The path data of a band of one height between two verticals."""
    height = max(height, _LEAST)
    middle = (x + to_x) / 2
    numbers = (x, y, middle, y, middle, to_y, to_x, to_y, height, middle, to_y + height, middle, y + height, x)
    return "M{} {}C{} {} {} {} {} {}v{}C{} {} {} {} {} {}z".format(
        *(f"{round(number, 1):g}" for number in (*numbers, y + height))
    )


_Slot: TypeAlias = tuple[float, float]
"""The top and the height of a node."""


def _placed(heights: Sequence[float], leasts: Sequence[float]) -> Sequence[tuple[_Slot, float]]:
    """Nodes under one another, each in the middle of the room that its label needs; and the end of that room."""
    found, top = [], 0.0
    for height, least in zip(heights, leasts, strict=True):
        room = max(height, least)
        found.append(((top + (room - height) / 2, height), top + room))
        top += room + _GAP
    return found


def _end(placed: Sequence[tuple[_Slot, float]]) -> float:
    return placed[-1][1] if placed else 0.0


def _fewer(entries: Sequence[tuple[Entry, int]]) -> Sequence[tuple[Entry | None, int, int]]:
    """The entries with a label, each with its number; the last one sums up the further ones and has their count."""
    named: list[tuple[Entry | None, int, int]] = [(one, number, 0) for one, number in entries[:MAX_ENTRIES]]
    rest = entries[MAX_ENTRIES:]
    return [*named, (None, sum(number for _, number in rest), len(rest))] if rest else named


def _column(
    entries: Sequence[tuple[Entry, int, int]],
    placed: Sequence[tuple[_Slot, float]],
    begin: float,
    at: float,
    between: tuple[int, int],
) -> Iterator[NodeShape[Entry]]:
    """The nodes of one column. ``between``: where they are, and where the node of their ribbons is, at which these
    follow each other from ``at`` on.
    """
    x, other = between
    for (one, number, others), ((top, height), _) in zip(entries, placed, strict=False):
        y, path = begin + top, ""
        if number:
            path = ribbon(x + NODE, y, other, at, height) if x < other else ribbon(other + NODE, at, x, y, height)
        yield NodeShape(one, others, number, x, *_rounded(y, height), path, _first(y + height / 2, _lines(one)))
        at += height


def _lines(one: object) -> int:
    """The lines of a label: a stop has its word below its figure."""
    return _LINES[one.access] if isinstance(one, Subscriber) else 2 if isinstance(one, str) else 1


def _first(middle: float, lines: int) -> float:
    """The first baseline of a label of some lines around the middle of its node."""
    return round(middle + _TEXT - (lines - 1) * _LINE / 2, 1)


def _rounded(y: float, height: float) -> tuple[float, float]:
    """A node that has a number is seen, however small it is."""
    return round(y, 1), round(max(height, _LEAST), 1) if height else 0.0
