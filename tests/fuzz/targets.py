"""All targets by name."""

from collections.abc import Mapping

from tests.fuzz import inflating, sealed, splitting, verdict
from tests.fuzz.target import Opening

TARGETS: Mapping[str, Opening] = {
    "check": verdict.opened,
    "lines": splitting.lines_opened,
    "array": splitting.array_opened,
    "gzip": inflating.opened,
    "cursor": sealed.opened,
}
