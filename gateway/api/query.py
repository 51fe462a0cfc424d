"""The address of a request: the offer id in its path, its parameters read one by one, filters and paging."""

import re
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from difflib import get_close_matches
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import unquote_to_bytes

from aiohttp import web
from multidict import MultiMapping

from gateway.api.context import partner_of
from gateway.api.problem import ProblemError
from gateway.protocol.criteria import BOX, FILTERS, LISTED, read_box, read_number, vocabulary
from gateway.protocol.identity import is_offer_id, platform_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import read_utc
from gateway.protocol.visibility import Filter
from schemas.bilingual import Bilingual

_CANONICAL = Bilingual("{platform}:{local_id}", "{plateforme}:{identifiant}")
_SEGMENT = 3
"""``/v1/offers/{id}``: the id is the third segment of the path."""
MAX_WAIT = 30
"""Longest long poll, in seconds."""
DEFAULT_LIMIT = 100

PAGING = ("limit", "cursor")
_NODE = re.compile(r"[0-9a-f]{2}(?:[0-9a-f]{2})?")
_INSTANT = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_DIGITS = 16

Value = TypeVar("Value")


def offer_id_of(request: web.Request) -> str:
    """The id in the path, percent-decoded once. Raises ProblemError (400) for anything but a canonical id: ``%2F``,
    ``%00``, ``%253A``, bytes outside ASCII and dot segments never reach the protocol (IDN-005).
    """
    segments = request.rel_url.raw_path.split("/")
    sent = segments[_SEGMENT] if len(segments) > _SEGMENT else ""
    text = unquote_to_bytes(sent).decode("ascii", "replace")
    if not is_offer_id(text):
        raise ProblemError("id-in-path", expected=_CANONICAL)
    return text


def own_offer_id_of(request: web.Request) -> str:
    """As ``offer_id_of``, for an offer of the partner's own: 403 for another platform's, known or not (IDN-003)."""
    offer_id = offer_id_of(request)
    platform = partner_of(request).platform
    if platform_of(offer_id) != platform:
        raise ProblemError("not-owner", status=403, pointer="/id", expected=f"{platform}:…", actual=offer_id)
    return offer_id


class Parameters:
    """The query of one request. Leaving the block raises ProblemError for all invalid parameters, unknown names
    included: to ignore them would hide a misspelling. The value of an invalid parameter must not leave the block.
    """

    def __init__(self, given: MultiMapping[str], known: Collection[str]) -> None:
        self._given = given
        self._wrong = [_unknown(name, known) for name in dict.fromkeys(given) if name not in known]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or not self._wrong:
            return
        first = self._wrong[0]
        if len(self._wrong) > 1:
            first.problems = [wrong.explanation.to_json() for wrong in self._wrong]
        raise first

    def one(self, name: str, read: Callable[[str], Value], expected: str) -> Value | None:
        """A parameter that is given at most once. ``read`` raises ValueError for an invalid value."""
        texts = self._given.getall(name, ())
        if not texts:
            return None
        try:
            if len(texts) == 1:
                return read(texts[0])
        except ValueError:
            pass
        self._refuse(name, ",".join(texts), expected)
        return None

    def several(self, name: str, valid: Callable[[str], bool], expected: str) -> frozenset[str]:
        """A parameter that may be repeated, its values also separated by commas."""
        values = [value for text in self._given.getall(name, ()) for value in text.split(",")]
        for value in values:
            if not valid(value):
                self._refuse(name, value, expected)
        return frozenset(values)

    def flag(self, name: str) -> bool | None:
        """``true`` or ``1``, ``false`` or ``0``: generated clients write either (ERR-002)."""
        text = self.choice(name, _FLAGS)
        return None if text is None else _FLAGS[text]

    def choice(self, name: str, values: Collection[str]) -> str | None:
        """One of these values."""
        return self.one(name, lambda text: valid(text, text in values), ", ".join(values))

    def integer(self, name: str, *, least: int, most: int) -> int | None:
        """A decimal number within bounds, both included."""

        def read(text: str) -> int:
            digits = valid(text, text.isascii() and text.isdigit() and len(text) <= _DIGITS)
            return valid(int(digits), least <= int(digits) <= most)

        return self.one(name, read, f"{least}..{most}")

    def text(self, name: str) -> str | None:
        """A text that is not empty."""
        return self.one(name, lambda text: valid(text, text != ""), "…")

    def _refuse(self, name: str, actual: str, expected: str) -> None:
        self._wrong.append(ProblemError("parameter-invalid", parameter=name, actual=actual, expected=expected))


def refuse_parameters(given: MultiMapping[str]) -> None:
    """Refuse any parameter, on a call without them. Raises ProblemError."""
    with Parameters(given, ()):
        pass


def missing(name: str, expected: str) -> ProblemError:
    """The problem of a missing parameter."""
    return ProblemError("parameter-missing", parameter=name, expected=expected)


def valid(value: Value, holds: bool) -> Value:  # noqa: FBT001  # the sentence reads so
    """The value, if the condition holds. Raises ValueError."""
    if not holds:
        raise ValueError
    return value


def instant(text: str) -> int:
    """An instant with its offset, in ms. Raises ValueError."""
    return read_utc(valid(text, _INSTANT.fullmatch(text) is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderQuery:
    """A reader's query: filter, cursor, page size, and longest wait (seconds)."""

    criteria: Filter
    cursor: str | None
    limit: int
    wait: float


def read_offers_query(
    given: MultiMapping[str], partner: Partner, *, most: int, waiting: Container[str] = ()
) -> ReaderQuery:
    """The query of a list of offers; ``waiting``: the marks of what has not begun. Raises ProblemError."""
    with Parameters(given, (*FILTERS, *PAGING)) as parameters:
        criteria = _filter(parameters, partner, waiting)
        cursor, limit = paging(parameters, most)
    return ReaderQuery(criteria=criteria, cursor=cursor, limit=limit, wait=0.0)


def read_changes_query(
    given: MultiMapping[str], partner: Partner, *, most: int, waiting: Container[str] = ()
) -> ReaderQuery:
    """The query of the changes feed; ``waiting`` as above. Raises ProblemError."""
    with Parameters(given, (*FILTERS, *PAGING, "wait")) as parameters:
        criteria = _filter(parameters, partner, waiting)
        cursor, limit = paging(parameters, most)
        wait = parameters.one("wait", _seconds, f"0..{MAX_WAIT}") or 0.0
    return ReaderQuery(criteria=criteria, cursor=cursor, limit=limit, wait=wait)


def read_digest_query(
    given: MultiMapping[str], partner: Partner, *, most: int, waiting: Container[str] = ()
) -> tuple[ReaderQuery, str]:
    """The query of the digest of a reader's copy, and the path of a node: hex digits, none for the root; ``waiting`` as
    above. Raises ProblemError.
    """
    with Parameters(given, (*FILTERS, *PAGING, "node")) as parameters:
        criteria = _filter(parameters, partner, waiting)
        cursor, limit = paging(parameters, most)
        node = parameters.one("node", lambda text: valid(text, _NODE.fullmatch(text) is not None), "3f, 3fa0") or ""
    return ReaderQuery(criteria=criteria, cursor=cursor, limit=limit, wait=0.0), node


def read_filter(given: MultiMapping[str], partner: Partner, *, waiting: Container[str] = ()) -> Filter:
    """The filter of an export, which has no paging; ``waiting`` as above. Raises ProblemError."""
    with Parameters(given, FILTERS) as parameters:
        return _filter(parameters, partner, waiting)


def paging(parameters: Parameters, most: int) -> tuple[str | None, int]:
    """Cursor and page size, the parameters ``PAGING`` of a list."""
    limit = parameters.integer("limit", least=1, most=most)
    return parameters.text("cursor"), min(DEFAULT_LIMIT, most) if limit is None else limit


def _filter(parameters: Parameters, partner: Partner, waiting: Container[str]) -> Filter:
    """The filter; without a region or department, the partner's own territory, unless ``territory=all``."""
    chosen = {name: parameters.several(name, *vocabulary(name, waiting)) for name in LISTED}
    territory = parameters.choice("territory", ("all",))
    if territory is None and not chosen["region"] and not chosen["department"]:
        chosen["department"] = partner.territory
    return Filter(**chosen, bbox=parameters.one("bbox", read_box, BOX))


def _unknown(name: str, known: Collection[str]) -> ProblemError:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    expected = ", ".join(dict.fromkeys([*near, *sorted(known)])) or "–"
    return ProblemError(
        "parameter-unknown", actual=name, expected=expected, members={"nearest": near[0]} if near else {}
    )


def _seconds(text: str) -> float:
    seconds = read_number(text)
    if not 0 <= seconds <= MAX_WAIT:
        raise ValueError(text)
    return seconds
