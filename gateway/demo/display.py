"""What one sees of the demo: a live table while it runs, and the reconciliation at the end."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gateway.demo.book import Book, Reasons, Stopwatch
from gateway.demo.scenario import Scenario


class LiveView:
    """The scenario as it is at the moment it is drawn."""

    def __init__(self, scenario: Scenario, url: str) -> None:
        self._scenario = scenario
        self._url = url

    def __rich__(self) -> RenderableType:
        scenario = self._scenario
        return Group(
            Text.assemble(("Passerelle ", "bold"), (f" {self._url}  ", "dim"), (scenario.phase, "bold cyan")),
            platform_table(scenario),
            holding_lines(scenario),
            Text(f"Why offers were refused or warned about  {latency_line(scenario.watch)}", style="dim"),
            reason_table(scenario.reasons, 5),
        )


def platform_table(scenario: Scenario) -> Table:
    """What each platform sent and what became of it; the last column is what the national subscriber holds of it."""
    table = _table("sent", "refused", "accepted", "warned", "resent", "updated", "withdrawn", "live", "received")
    held = _held_by(scenario)
    for book in scenario.books:
        table.add_row(book.platform, *map(_number, (*_figures(book), held[book.platform])))
    totals = [sum(column) for column in zip(*map(_figures, scenario.books), strict=True)]
    table.add_section()
    table.add_row("all", *map(_number, (*totals, sum(held.values()))), style="bold")
    return table


def reconciliation(scenario: Scenario) -> Table:
    """Per platform: everything sent has a verdict, and what must be live is what the national subscriber holds."""
    heads = ("sent", "refused\nas expected", "accepted", "resent", "updated", "withdrawn")
    table = _table(*heads, "live,\nexpected", "live,\nnational", "difference")
    table.title, table.title_justify = "Reconciliation", "left"
    for book in scenario.books:
        held = {key: value for key, value in scenario.holdings[0].live.items() if key in book.departments}
        different = len(dict(book.live.items() ^ held.items())) + _unaccounted(book) + len(book.surprises)
        figures = (
            book.sent,
            book.refused,
            book.accepted,
            book.duplicate + book.stale,
            book.updated,
            book.withdrawn,
            len(book.live),
            len(held),
        )
        table.add_row(book.platform, *map(_number, figures), _difference(different))
    table.add_section()
    for holding in scenario.holdings[1:]:
        both = len(holding.expected(scenario.books)), len(holding.live)
        different = holding.difference(scenario.books) + len(holding.surprises)
        blanks = [""] * len(heads)
        table.add_row(f"{holding.platform}, reading", *blanks, *map(_number, both), _difference(different))
    return table


def _table(*heads: str) -> Table:
    table = Table("platform", *heads, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def holding_lines(scenario: Scenario) -> Text:
    """What each subscriber has received."""
    lines = [
        f"{holding.platform} received {_number(holding.upserts)} upserts and {_number(holding.removals)} removals"
        for holding in scenario.holdings
    ]
    return Text("; ".join(lines))


def reason_table(reasons: Reasons, most: int, *, whole: bool = False) -> Table:
    """The most frequent reasons, each with its first message in French; cut to one line, or whole."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1), expand=True)
    table.add_column(justify="right", no_wrap=True, min_width=3)
    table.add_column(no_wrap=True, min_width=32)
    table.add_column(overflow="ellipsis", no_wrap=not whole, ratio=1)
    for code, number in reasons.counts.most_common(most):
        colour = "red" if reasons.severities[code] == "error" else "yellow"
        table.add_row(_number(number), Text(code, colour), Text(reasons.messages[code]))
    return table


def latency_line(watch: Stopwatch) -> str:
    """Publishing to visible, or nothing yet."""
    found = watch.percentiles()
    if found is None:
        return ""
    median, late = found
    return (
        f"Published → visible at the national subscriber: median {median * 1000:.0f} ms, "
        f"99 % within {late * 1000:.0f} ms ({_number(len(watch.taken))} changes)"
    )


def plain_line(scenario: Scenario) -> str:
    """The state of affairs on one line, where there is no terminal to draw on."""
    books: Sequence[Book] = scenario.books
    return (
        f"{scenario.phase}: {sum(book.sent for book in books)} sent, "
        f"{sum(book.accepted for book in books)} accepted, {sum(book.refused for book in books)} refused, "
        f"{sum(book.withdrawn for book in books)} withdrawn; the national subscriber holds "
        f"{len(scenario.holdings[0].live)}"
    )


def tell_end(console: Console, scenario: Scenario) -> None:
    """The reconciliation, the reasons, the latency, and the verdict on the whole."""
    console.print(reconciliation(scenario))
    console.print("Resent: duplicates of what was accepted before, and late old revisions; neither changed anything.")
    console.print("Why offers were refused (red) or warned about (yellow):")
    console.print(reason_table(scenario.reasons, 20, whole=True))
    console.print()
    console.print(holding_lines(scenario))
    console.print(latency_line(scenario.watch))
    for surprise in scenario.surprises[:20]:
        console.print(Text(f"✗ {surprise}", "red"), soft_wrap=True)
    if scenario.reconciled:
        console.print(Text("✓ Everything reconciles: difference 0", "bold green"))
    else:
        undecided = sum(len(book.open) for book in scenario.books)
        told = f"{scenario.difference} offers differ, {undecided} submissions have no receipt"
        console.print(Text(f"✗ It does not reconcile: {told}", "bold red"))


def _figures(book: Book) -> tuple[int, ...]:
    resent = book.duplicate + book.stale
    return book.sent, book.refused, book.accepted, book.warned, resent, book.updated, book.withdrawn, len(book.live)


def _held_by(scenario: Scenario) -> dict[str, int]:
    held = dict.fromkeys((book.platform for book in scenario.books), 0)
    for offer_id in scenario.holdings[0].live:
        platform = offer_id.partition(":")[0]
        if platform in held:
            held[platform] += 1
    return held


def _unaccounted(book: Book) -> int:
    """How many documents sent have no verdict."""
    return abs(book.sent - book.refused - book.accepted - book.duplicate - book.stale)


def _difference(number: int) -> Text:
    return Text(_number(number), "green" if number == 0 else "bold red")


def _number(number: int) -> str:
    return f"{number:,}".replace(",", " ")
