"""Terminal output of the demo: progress lines, a live table, and the final balance."""

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from demo.balance import Balance, BalanceRow
from demo.channel import RefusalCounts
from demo.scenario import DemoScenario

MAX_DIFFERENCES = 20
_MAX_REASONS = 12
_WIDE = 116
"""Minimum terminal width for the column with each platform's transport."""


_HEADS = (
    "sent",
    "refused",
    "with-\ndrawn",
    "live",
    "at the\nnational site",
    "not for\nthat site",
    "received",
    "balance",
)
_NARROW_HEADS = ("sent", "re-\nfused", "with-\ndrawn", "live", "nat.\nsite", "not\nthere", "re-\nceived", "")


class ProgressLines:
    """Prints progress, line by line."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, phase: str) -> None:
        """Print the title of a step."""
        self._console.print(Text.assemble(("▸ ", "bold cyan"), (phase, "bold")))

    def say(self, sentence: str) -> None:
        """Print an event."""
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row("  ·", Text(sentence))
        self._console.print(line)


class LiveView:
    """Renderable of the scenario's present state."""

    def __init__(self, scenario: DemoScenario) -> None:
        self._scenario = scenario
        self._spinner = Spinner("dots", style="cyan")

    def __rich_console__(self, console: Console, _options: ConsoleOptions) -> RenderResult:
        scenario = self._scenario
        balance, delivered, due = scenario.balance(), scenario.federation.site.count(), scenario.due
        head = Table.grid(padding=(0, 1))
        head.add_row(
            self._spinner,
            Text("national site"),
            ProgressBar(total=max(1, due), completed=delivered, width=30),
            Text(f"{number(delivered)}, due {number(due)}"),
        )
        yield head
        yield balance_table(balance, settled=False, wide=console.width >= _WIDE)


def plain_line(scenario: DemoScenario) -> str:
    """The present state on one line, for output without a terminal."""
    balance, delivered, due = scenario.balance(), scenario.federation.site.count(), scenario.due
    live, refused = (sum(getattr(line, name) for line in balance.lines) for name in ("live", "refused"))
    received = sum(line.received for line in balance.lines)
    return (
        f"    {number(live)} live, {number(refused)} refused, {number(received)} received by others, "
        f"{number(delivered)} at the national site (due: {number(due)})"
    )


def balance_table(balance: Balance, *, settled: bool, wide: bool = False) -> Table:
    """A row per platform and one for the national site; the last column is the balance. ``settled``: differences are
    errors, not transfers in progress.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Region", no_wrap=True)
    if wide:
        table.add_column("channel", no_wrap=True, style="dim")
    for head in _HEADS if wide else _NARROW_HEADS:
        table.add_column(head, justify="right")
    for line in balance.lines:
        _add_row(table, line, settled=settled, wide=wide)
    table.add_section()
    totals = (sum(column) for column in zip(*map(_figures, balance.lines), strict=True))
    table.add_row(*_names("All Regions", "", wide=wide), *map(number, totals), "", style="bold")
    _add_row(table, balance.national, settled=settled, wide=wide)
    return table


def uncovered_table(balance: Balance) -> Table:
    """The Regions without a platform: offers made there, and their subscribers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Without a platform", no_wrap=True)
    for head in ("made at the\nnational site", "live"):
        table.add_column(head, justify="right")
    table.add_column("received by")
    for one in balance.uncovered:
        received = ", ".join(f"{name} {number(held)}" for name, held in one.received.items())
        table.add_row(one.name, number(one.made), number(one.live), received)
    return table


def refusal_table(reasons: RefusalCounts) -> Table:
    """The most frequent problem codes, each with its count and first message in French."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for code, count in reasons.counts.most_common(_MAX_REASONS):
        colour = "red" if reasons.severities[code] == "error" else "yellow"
        table.add_row(number(count), Text(code, colour), Text(reasons.messages[code]))
    return table


def print_end(console: Console, scenario: DemoScenario) -> bool:
    """Print the final balance, the refusal counts and the result; returns whether everything balances."""
    balance, differences = scenario.balance(), scenario.differences
    console.print()
    console.print(Text("The balance, counted at the external systems", "bold"))
    console.print(balance_table(balance, settled=True, wide=console.width >= _WIDE))
    console.print(uncovered_table(balance))
    console.print(
        Text(
            "sent = refused + withdrawn + live. Refused: by the answers to its platform. Live: what a subscriber to "
            "all holds. At the national site: rows of the site itself. Received: what the Region's own copy holds.",
            "dim",
        )
    )
    console.print()
    console.print("Why offers were refused (red) or warned about (yellow), by the answers to their publishers:")
    console.print(refusal_table(scenario.federation.reasons))
    console.print()
    for difference in differences[:MAX_DIFFERENCES]:
        console.print(Text(f"✗ {difference}", "red"), soft_wrap=True)
    if differences:
        found = "1 difference" if len(differences) == 1 else f"{number(len(differences))} differences"
        console.print(Text(f"✗ It does not balance: {found}", "bold red"))
    else:
        console.print(Text("✓ Everything balances: nothing lost, nothing twice", "bold green"))
    return not differences


def number(value: int) -> str:
    """The number with a narrow no-break space between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def _add_row(table: Table, line: BalanceRow, *, settled: bool, wide: bool) -> None:
    mark = Text("✗ " + number(len(line.differences)), "bold red") if line.differences else Text("✓", "green")
    cell = mark if settled or not line.differences else Text("…", "dim")
    table.add_row(*_names(line.name, line.channel, wide=wide), *map(number, _figures(line)), cell)


def _names(name: str, channel: str, *, wide: bool) -> tuple[str, ...]:
    return (name, channel) if wide else (name,)


def _figures(line: BalanceRow) -> tuple[int, ...]:
    return (line.sent, line.refused, line.withdrawn, line.live, line.on_site, line.not_for_site, line.received)
