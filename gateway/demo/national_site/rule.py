"""Rule: an entry in the simulator's tables of the national site's behaviour."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Version: TypeAlias = Literal["v1", "v2"]
BOTH: tuple[Version, ...] = ("v1", "v2")
V1: tuple[Version, ...] = ("v1",)
V2: tuple[Version, ...] = ("v2",)


@dataclass(frozen=True, slots=True)
class Rule:
    """A behaviour of the site (``does``), and the file and method of its code (``source``).

    ``status`` and ``code`` are those of the rule's answer; both are None where the rule only changes another rule's
    answer.
    """

    does: str
    source: str
    status: int | None = None
    code: str | int | None = None
    versions: tuple[Version, ...] = BOTH
