"""What nobody outside knows of the site: its simulator plays each variant, and the tests of the connector play both."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True, kw_only=True)
class Unknown:
    """One field for each unknown.

    ``flips_in``: the month in which the site looks at the next June; stored versions of ``school_track/base.rb`` differ
    between 1 July and the end of July. ``unknown_grades``: stored versions drop grades that do not exist, and take
    seconde where none is left, or fail. ``dead_names_are_taken``: whether a deleted offer keeps its remote id.
    ``search_grades``: whether the method that reads ``grades`` of a search exists. ``logins``: how many logins of one
    address a minute has. ``maintenance``: which pages redirect.
    """

    flips_in: Literal["july", "august"] = "july"
    unknown_grades: Literal["seconde", "break"] = "seconde"
    dead_names_are_taken: bool = True
    search_grades: Literal["ignored", "break"] = "ignored"
    logins: int = 100
    maintenance: Literal["none", "all", "holidays"] = "none"
