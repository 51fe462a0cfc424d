"""Switches for behaviour unknown outside the site; the connector's tests run with each variant."""

from dataclasses import dataclass
from typing import Literal


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
