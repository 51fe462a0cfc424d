"""What ends a reading, and what ends the reading of one value. Neither leaves this package: both become problems."""

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
    """The feed as a whole cannot be trusted; nothing of it may change anything."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.problem: ReadingProblem = problem(code, **values)


class UnreadableValueError(Exception):
    """A value is not what its field needs. ``code`` names a problem of this package, which ``values`` fill."""

    def __init__(self, code: str, actual: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.actual = one_line(actual)
        self.values = values
