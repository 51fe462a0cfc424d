"""The matrix: what each of the nine platforms publishes, changes and withdraws, and what reaches it, as data."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table


@dataclass(slots=True)
class Line:
    """One platform: seconds until each thing had happened, None where it had not in time; ``differences`` in the body
    at the national site.
    """

    slug: str
    channel: str
    published: float | None = None
    updated: float | None = None
    withdrawn: float | None = None
    received: float | None = None
    differences: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Uncovered:
    """One Region without a platform, seen by a neighbour: seconds until an offer made at the national site had come to
    it, and had gone from it.
    """

    name: str
    neighbour: str
    received: float | None = None
    withdrawn: float | None = None


@dataclass(slots=True)
class Matrix:
    """All lines; the offers that returned to an earlier platform (``loops``); and the final state of the federation:
    ``platforms`` as the API returns it, ``status`` as ``passerelle status --json`` does, ``printed`` the table.
    """

    log: str
    lines: dict[str, Line]
    uncovered: dict[str, Uncovered]
    loops: list[str] = field(default_factory=list)
    echoes: int = 0
    platforms: list[dict[str, Any]] = field(default_factory=list)
    status: str = ""
    printed: str = ""

    def missing(self) -> list[str]:
        """Every missing or wrong step."""
        lines: list[Line | Uncovered] = [*self.lines.values(), *self.uncovered.values()]
        return [f"{one}" for one in lines if None in asdict(one).values() or getattr(one, "differences", [])]

    def table(self) -> Table:
        """For people."""
        columns = ("Platform", "Way in", "Published", "Updated", "Withdrawn", "National offer received")
        table = Table(*columns, box=None, title=f"{self.log} log: seconds until it was so at the far end")
        for line in self.lines.values():
            moments = (line.published, line.updated, line.withdrawn, line.received)
            table.add_row(line.slug, line.channel, *map(_seconds, moments))
        for one in self.uncovered.values():
            channel = f"national site → {one.neighbour}"
            table.add_row(one.name, channel, "–", "–", _seconds(one.withdrawn), _seconds(one.received))
        return table


def _seconds(seconds: float | None) -> str:
    return "no" if seconds is None else f"{seconds:.1f}"
