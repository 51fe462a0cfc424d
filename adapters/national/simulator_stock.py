"""What the simulated site holds: partner accounts, and rows that are never forgotten, deleted or not."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(slots=True, kw_only=True, eq=False)
class Operator:
    """A partner's account. ``full_access`` is the right to search, ``open_data`` whether others find its offers;
    accounts of one ``team`` may change each other's.
    """

    id: int = 0
    email: str
    password: str = field(repr=False)
    v1_token: str | None = field(default=None, repr=False)
    full_access: bool = False
    open_data: bool = True
    departments: frozenset[str] = frozenset()
    team: str | None = None

    @property
    def name(self) -> str:
        """As the site's addresses name it."""
        return f"operator-{self.id}"

    def may_change(self, row: "Row") -> bool:
        """Whether a row is this account's or its team's."""
        return row.owner is self or (row.owner is not None and self.team is not None and row.owner.team == self.team)


@dataclass(slots=True, kw_only=True, eq=False)
class Row:
    """One offer; without owner where an employer made it on the site itself. Times in milliseconds since 1970."""

    id: int = 0
    owner: Operator | None = None
    remote_id: str | None = None
    title: str | None = None
    description: str | None = None
    employer_name: str | None = None
    employer_description: str | None = None
    employer_website: str | None = None
    street: str | None = None
    zipcode: str | None = None
    city: str | None = None
    coordinates: tuple[float, float] | None = None
    sector: str | None = None
    permalink: str | None = None
    max_candidates: int = 1
    is_public: bool = False
    handicap_accessible: bool = False
    daily_hours: dict[str, list[str]] = field(default_factory=dict)
    lunch_break: str | None = None
    rep: bool = False
    qpv: bool = False
    weeks: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    open_data: bool = True
    published_at: int | None = None
    discarded_at: int | None = None
    full: bool = False

    @property
    def kept(self) -> bool:
        """Not deleted."""
        return self.discarded_at is None


class Stock:
    """All accounts and rows, with the site's own ways of finding them."""

    def __init__(self) -> None:
        self.operators: list[Operator] = []
        self.rows: list[Row] = []
        self.oldest_first = False
        self._by_remote_id: dict[str, list[int]] = defaultdict(list)

    def add_operator(self, operator: Operator) -> Operator:
        """Keep a new account under the next number."""
        operator.id = len(self.operators) + 1
        self.operators.append(operator)
        return operator

    def put(self, row: Row) -> Row:
        """Keep a new row under the next number, or a changed one under its own."""
        if row.id:
            self.rows[row.id - 1] = row
            return row
        row.id = len(self.rows) + 1
        self.rows.append(row)
        if row.remote_id is not None:
            self._by_remote_id[row.remote_id].append(row.id)
        return row

    def named(self, remote_id: str) -> list[Row]:
        """The rows of that remote id, whoever owns them, deleted or not, oldest first."""
        return [self.rows[number - 1] for number in self._by_remote_id.get(remote_id, ())]

    def own(self, operator: Operator) -> list[Row]:
        """The account's rows that are not deleted, newest first."""
        return [row for row in reversed(self.rows) if row.owner is operator and row.kept]

    def live(self) -> list[Row]:
        """What the site's visitors may see, newest first."""
        return [row for row in reversed(self.rows) if row.kept and row.published_at is not None]


def first_monday(weeks: Iterable[str]) -> date | None:
    """The first day of the first week."""
    return min(map(_monday, weeks), default=None)


def last_friday(weeks: Iterable[str]) -> date | None:
    """The last working day of the last week."""
    last = max(map(_monday, weeks), default=None)
    return None if last is None else last + timedelta(days=4)


def _monday(week: str) -> date:
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1)
