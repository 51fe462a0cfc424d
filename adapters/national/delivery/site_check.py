"""Checks of a site whose calls failed: whether it answers a read, and a write that changes nothing."""

from uuid import uuid4

from adapters.national.site.answer import AlreadyDeleted, Forbidden, Missing, outcome_of
from adapters.national.site.client import HttpSite
from adapters.national.site.index_walk import Walker
from adapters.national.site.site import SiteError
from adapters.national.site.timing import Timing

_NEVER_USED = f"passerelle-check-{uuid4().hex}"
"""A remote id that no offer ever has: those of offers have a colon."""


async def answers_writes(site: HttpSite, timing: Timing) -> bool:
    """Read one page of the index, then delete an offer that never was; whether the deletion is answered in the site's
    own form. Raises SiteError where the page is not read.
    """
    await Walker(site.index, timing).page(1, tries=1)
    try:
        outcome = outcome_of(await site.delete(_NEVER_USED))
    except SiteError:
        return False
    return isinstance(outcome, Missing | AlreadyDeleted | Forbidden)
