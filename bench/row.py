"""A row of the table: the ratio to a baseline of the same run, the figure, the bar, and whether it is met."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """``met`` is None where there is no bar."""

    what: str
    figure: str
    ratio: str = ""
    bar: str = ""
    met: bool | None = None
    beside: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row as texts."""
        return (
            self.what,
            self.ratio,
            self.figure,
            self.bar,
            {True: "met", False: "missed", None: ""}[self.met],
            self.beside,
        )


def table(title: str) -> Table:
    """An empty table."""
    return Table("what", "ratio", "figure", "bar", "", "beside", title=title)


def percentile(seconds: Sequence[float], fraction: float) -> float:
    """A percentile in milliseconds."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * fraction))] * 1_000


def quantiles(seconds: Sequence[float]) -> str:
    """Median and 99th percentile, as text."""
    return f"p50 {percentile(seconds, 0.5):.0f} ms, p99 {percentile(seconds, 0.99):.0f} ms"


def times(figure: float, baseline: float) -> str:
    """A ratio, as text."""
    ratio = figure / baseline
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.0f} ×"
