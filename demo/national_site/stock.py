"""Database of the simulated site: partner accounts, and rows, which remain after deletion.

``Unknown`` holds switches for behaviour unknown outside the site; the connector's tests run with each variant.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

_MIDDLE_OF_FRANCE = (46.603354, 1.888334)
_DEPARTMENTS = {f"{number:02}" for number in range(1, 96) if number != 20} | {
    *("971", "972", "973", "974", "976", "977", "978", "987", "988")
}
"""By the first digits of a postcode; Saint-Pierre-et-Miquelon, Wallis-et-Futuna and Monaco are missing."""


@dataclass(slots=True, kw_only=True)
class Unknown:
    """One field per unknown behaviour.

    ``flips_in``: the month of the switch to the next June; stored versions of ``school_track/base.rb`` differ between 1
    July and the end of July. ``unknown_grades``: stored versions drop unknown grades, with seconde where none is left,
    or fail. ``dead_names_are_taken``: whether a deleted offer reserves its remote id. ``search_grades``: whether the
    method that reads ``grades`` of a search exists. ``logins``: maximum of logins per minute and IP address.
    ``maintenance``: pages that redirect.
    """

    flips_in: Literal["july", "august"] = "july"
    unknown_grades: Literal["seconde", "break"] = "seconde"
    dead_names_are_taken: bool = True
    search_grades: Literal["ignored", "break"] = "ignored"
    logins: int = 100
    maintenance: Literal["none", "all", "holidays"] = "none"


@dataclass(slots=True)
class Geocoder:
    """Fixed results: ``street`` and ``zipcode`` of any coordinates, ``point`` of any postcode; None: not found."""

    street: str | None = None
    zipcode: str | None = None
    point: tuple[float, float] | None = _MIDDLE_OF_FRANCE


@dataclass(slots=True, kw_only=True, eq=False)
class Operator:
    """A partner's account. ``full_access``: right to search; ``open_data``: others find its offers; ``departments``:
    search is limited to these, if any; ``team``: accounts of one team may change each other's offers; ``gone``: the
    site deleted the user.
    """

    id: int = 0
    email: str
    password: str = field(repr=False)
    v1_token: str | None = field(default=None, repr=False)
    full_access: bool = False
    open_data: bool = True
    departments: frozenset[str] = frozenset()
    team: str | None = None
    gone: bool = False

    @property
    def name(self) -> str:
        """The account's name in the site's URLs."""
        return f"operator-{self.id}"

    def may_change(self, row: "SiteOffer") -> bool:
        """Whether a row belongs to this account or its team."""
        return row.owner is self or (row.owner is not None and self.team is not None and row.owner.team == self.team)


@dataclass(slots=True, kw_only=True, eq=False)
class SiteOffer:
    """One offer; without ``owner`` for an employer's offer on the site itself. Instants in milliseconds since 1970;
    ``written`` orders rows by their last write.
    """

    id: int = 0
    owner: Operator | None = None
    remote_id: str | None = None
    title: str | None = None
    description: str | None = None
    employer_name: str | None = None
    employer_chosen_name: str | None = None
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
    written: int = 0

    @property
    def kept(self) -> bool:
        """Whether the row is not deleted."""
        return self.discarded_at is None


class Stock:
    """All accounts and rows, with the site's own queries.

    ``oldest_first`` and ``unknown`` switch behaviour unknown outside the site. The database stores a changed row after
    the others, so that of rows with one remote id it returns the least recently written; with ``oldest_first`` it
    returns the oldest.
    """

    def __init__(self) -> None:
        self.operators: list[Operator] = []
        self.rows: list[SiteOffer] = []
        self.oldest_first = False
        self.unknown = Unknown()
        self.geocoder = Geocoder()
        self._by_remote_id: dict[str, list[int]] = defaultdict(list)
        self._writes = 0

    def add_operator(self, operator: Operator) -> Operator:
        """Store a new account under the next id."""
        operator.id = len(self.operators) + 1
        self.operators.append(operator)
        return operator

    def put(self, row: SiteOffer) -> SiteOffer:
        """Store a new row under the next id, or a changed one under its own."""
        self.touch(row)
        if row.id:
            self.rows[row.id - 1] = row
            return row
        row.id = len(self.rows) + 1
        self.rows.append(row)
        if row.remote_id is not None:
            self._by_remote_id[row.remote_id].append(row.id)
        return row

    def named(self, remote_id: str) -> list[SiteOffer]:
        """All rows with this remote id, of any owner, deleted or not, oldest first."""
        return [self.rows[number - 1] for number in self._by_remote_id.get(remote_id, ())]

    def found(self, remote_id: str) -> list[SiteOffer]:
        """The same rows in the database's order."""
        rows = self.named(remote_id)
        return rows if self.oldest_first else sorted(rows, key=lambda row: row.written)

    def touch(self, row: SiteOffer) -> None:
        """Mark a row as the last one written."""
        self._writes += 1
        row.written = self._writes

    def own(self, operator: Operator) -> list[SiteOffer]:
        """The account's rows that are not deleted, newest first."""
        return [row for row in reversed(self.rows) if row.owner is operator and row.kept]

    def live(self) -> list[SiteOffer]:
        """Rows visible to visitors, newest first."""
        return [row for row in reversed(self.rows) if row.kept and row.published_at is not None]


def first_monday(weeks: Iterable[str]) -> date | None:
    """The Monday of the first week."""
    return min(map(monday_of_week, weeks), default=None)


def last_friday(weeks: Iterable[str]) -> date | None:
    """The Friday of the last week."""
    last = max(map(monday_of_week, weeks), default=None)
    return None if last is None else last + timedelta(days=4)


def monday_of_week(week: str) -> date:
    """The Monday of a week, padded or not."""
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def department_of(zipcode: str) -> str | None:
    """The department of a postcode, three digits overseas; None where the site's table has none."""
    if zipcode.startswith("20"):
        return "2A" if zipcode.startswith(("200", "201")) else "2B"
    key = zipcode[:3] if zipcode.startswith(("97", "98")) else zipcode[:2]
    return key if key in _DEPARTMENTS else None
