"""The operator's pages of the journal: its entries by filter, its audit, and the erasure of a name."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import structlog
from aiohttp import web

from gateway.federation import Federation
from gateway.federation.checks import Checked
from gateway.pages.base.columns import wants_file
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.number import whole_number
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, Redirect, operator_page, views_behind
from gateway.pages.journal.model import act_key, journal_csv, read_filter, rows_of
from gateway.protocol.journal import ACTS, JournalEntry, JournalFilter, clean_name, pseudonyms_of
from gateway.runtime.cached import Cached

PAGE_ENTRIES = 50
"""Entries of one page."""
MAX_ROWS = 10_000
"""Entries of a file, the first ones in the order of the page."""
_OLDEST = "oldest"
_MAX_NUMBER = 10**18

log = structlog.get_logger()


def pages(federation: Federation, checks: Cached[Checked]) -> list[Page]:
    """Every page of the journal."""
    shell = _JournalPage(federation, checks)
    return [
        operator_page("journal", "/registre", "/journal", shell.list_entries),
        operator_page("journal_checks", "/registre/controle", "/journal/checks", shell.checks),
        operator_page("journal_erase", "/registre/effacer", "/journal/erase", shell.erasing, shell.erase),
    ]


class _JournalPage:
    def __init__(self, federation: Federation, checks: Cached[Checked]) -> None:
        self._federation = federation
        self._checks = checks

    async def list_entries(self, request: web.Request, language: Language) -> Answer | Download:
        self._require_ready()
        names, page = self._federation.acts.names.state, self._federation.journal.page
        criteria = read_filter(request.query, names)
        before, order = _before(request.query.get("before")), request.query.get("order", "")
        if order not in ("", _OLDEST):
            raise PageError(400)
        oldest = order == _OLDEST
        if wants_file(request.query) and not criteria.wrong:
            every, _, _ = await page(before=None, limit=MAX_ROWS, criteria=criteria.filter, oldest=oldest)
            return journal_csv(rows_of(every, (), names, language), language)
        entries: Sequence[JournalEntry] = ()
        later: Sequence[JournalEntry] = ()
        more = False
        if not criteria.wrong:
            entries, _, more = await page(before=before, limit=PAGE_ENTRIES, criteria=criteria.filter, oldest=oldest)
        # A failure is said by a later entry, which may be on another page.
        newest = entries[-1].number + 1 if oldest and entries else before
        if newest is not None:
            later, _, _ = await page(before=newest + PAGE_ENTRIES, limit=PAGE_ENTRIES, criteria=JournalFilter())
        ordered = {**criteria.query, **({"order": order} if oldest else {})}
        further = {**ordered, "before": str(entries[-1].number)} if entries and more else None
        values = {
            "rows": rows_of(entries, later, names, language),
            "criteria": criteria,
            "acts": [(act, act_key(act)) for act in ACTS],
            "further": None if further is None else urlencode(further),
            "first": before is None,
            "oldest": oldest,
            "ordered": ordered,
            "number": 0 if criteria.wrong else await self._federation.journal.count(criteria.filter),
            "most": MAX_ROWS,
            "erased": request.query.get("done") == "erased",
        }
        return Answer("journal/journal.html", values, status=400 if criteria.wrong else 200)

    async def checks(self, _request: web.Request, _language: Language) -> Answer:
        return Answer("journal/checks.html", {"checks": await self._checks.get()})

    async def erasing(self, request: web.Request, _language: Language) -> Answer:
        self._require_ready()
        typed = request.query.get("name", "")
        return self._erasing(typed) if typed.strip() else Answer("journal/erase.html", _values(""))

    async def erase(self, request: web.Request, _language: Language) -> Answer | Redirect:
        self._require_ready()
        form = form_of(request)
        typed = form.text("name")
        if not form.text("confirmed") or not self._knows(typed):
            return self._erasing(typed)
        if not await self._federation.acts.erase_name(clean_name(typed), session_of(request).actor):
            return self._erasing(typed)
        log.info("pages.name_erased")
        return Redirect("journal", {"done": "erased"})

    def _erasing(self, typed: str) -> Answer:
        """The confirmation for a name that the journal has; otherwise the form."""
        if self._knows(typed):
            return Answer("journal/erase.html", _values(clean_name(typed), known=True))
        return Answer("journal/erase.html", _values(typed, unknown=True), status=422)

    def _knows(self, typed: str) -> bool:
        try:
            return bool(pseudonyms_of(self._federation.acts.names.state, clean_name(typed)))
        except ValueError:
            return False

    def _require_ready(self) -> None:
        if not (self._federation.journal.caught_up and self._federation.acts.names.caught_up):
            raise views_behind()


def _values(name: str, *, known: bool = False, unknown: bool = False) -> Mapping[str, object]:
    return {"name": name, "known": known, "unknown": unknown}


def _before(text: str | None) -> int | None:
    """The number of an entry in an address; None without one. Raises PageError."""
    number = None if text is None else whole_number(text, most=_MAX_NUMBER)
    if text is not None and number is None:
        raise PageError(400)
    return number
