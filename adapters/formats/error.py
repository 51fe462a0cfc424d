"""Errors that end the reading of a feed or of one value. Both become problems and never leave this package."""

from typing import Any

from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.text import one_line
from schemas.spoken import Spoken

TOO_DEEP = Spoken("nested too deep", "imbrication trop profonde")
ENDLESS_TAG = Spoken("endless tag or comment", "balise ou commentaire sans fin")
ENDLESS_ROW = Spoken("endless row", "ligne sans fin")
NO_JSON = Spoken("[ or { expected", "[ ou { attendu")
MALFORMED_ROW = "ligne mal formée : guillemets ou longueur"


class UnusableFeedError(Exception):
    """The feed as a whole is unusable; no item of it may be applied."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.problem: ReadingProblem = problem(code, **values)


class UnreadableValueError(Exception):
    """A value does not fit its field. ``code`` names a problem of this package; ``values`` are its arguments."""

    def __init__(self, code: str, actual: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.actual = one_line(actual)
        self.values = values
