"""The result of a queue for the national site, counted at the site: its offers and its calls."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from adapters.national.site.timing import PER_MINUTE
from demo.national_site.simulator import NationalSimulator

CALLS_FOR_A_KILL = 2
"""At most fourteen creations are announced at a time. Those whose answers were lost with the gateway are looked up on
the first two pages of the index.
"""


@dataclass(slots=True, kw_only=True)
class Drained:
    """``answers`` counts the site's answers by method and status. ``minutes`` are those of the site's clock from the
    first call about an offer to the last one, ``busiest`` is the most calls of one of them. Offers are named by the
    address at which pupils apply: ``lost`` is missing, ``twice`` was created more than once, ``strange`` belongs to
    no platform.
    """

    offers: int
    kills: int
    seconds: float
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    minutes: int = 0
    busiest: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """How many calls were made about offers, those that were never answered included."""
        return sum(self.answers.values())

    @property
    def refused(self) -> int:
        """How many calls the site refused because of its limit."""
        return sum(number for (_, status), number in self.answers.items() if status == 429)

    @property
    def fewest_minutes(self) -> int:
        """The minutes that the limit leaves it at least."""
        return -(-self.offers // PER_MINUTE)

    def differences(self) -> list[str]:
        """Every violated requirement."""
        named = (("lost", self.lost), ("made twice", self.twice), ("of unknown origin", self.strange))
        differences = [f"{words}: {', '.join(found[:5])} ({len(found)})" for words, found in named if found]
        if self.refused or self.busiest > PER_MINUTE:
            differences.append(f"{self.busiest} calls in one minute, {self.refused} refused")
        if self.calls > self.offers + CALLS_FOR_A_KILL * self.kills:
            differences.append(f"{self.calls} calls for {self.offers} offers and {self.kills} kills")
        return differences

    def lines(self) -> list[str]:
        """For people."""
        counts = ", ".join(
            f"{method} {status}: {number:,}" for (method, status), number in sorted(self.answers.items())
        )
        strays = f"lost: {len(self.lost)}; made twice: {len(self.twice)}; of unknown origin: {len(self.strange)}"
        return [
            f"{self.offers:,} offers, {self.kills} kills, {self.seconds:.0f} s",
            f"created: {self.answers['POST', 201]:,}; {strays}",
            f"calls about offers: {self.calls:,}, {self.calls - self.offers} more than offers ({counts})",
            f"minutes of the site's clock: {self.minutes}, at least {self.fewest_minutes} at {PER_MINUTE} a minute",
            f"most calls in one minute: {self.busiest}; refused for the limit: {self.refused}",
        ]


def read_drained(site: NationalSimulator, addresses: Collection[str], *, kills: int, seconds: float) -> Drained:
    """Compares the site's offers with the offers that apply at these addresses."""
    rows = [row for row in site.stock.rows if row.owner is not None]
    made = Counter(str(row.permalink) for row in rows)
    live = {row.permalink for row in rows if row.kept and row.published_at is not None}
    windows = {minute: number for (_, service, minute), number in site.counted.items() if service == "offers"}
    return Drained(
        offers=len(addresses),
        kills=kills,
        seconds=seconds,
        answers=Counter({one: number for one, number in site.answered.items() if one != ("POST", 200)}),
        minutes=max(windows) - min(windows) + 1,
        busiest=max(windows.values()),
        lost=sorted(set(addresses) - live),
        twice=sorted(address for address, number in made.items() if number > 1),
        strange=sorted(made.keys() - set(addresses)),
    )
