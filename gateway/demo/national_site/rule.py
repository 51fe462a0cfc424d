"""One rule of the national site, as the tables of its simulator hold it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Version: TypeAlias = Literal["v1", "v2"]
BOTH: tuple[Version, ...] = ("v1", "v2")
V1: tuple[Version, ...] = ("v1",)
V2: tuple[Version, ...] = ("v2",)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the site does, and the file and method of its code that does it.

    ``status`` and ``code`` are those of the answer that the rule decides; both are None where the rule only changes an
    answer that another rule decides.
    """

    does: str
    source: str
    status: int | None = None
    code: str | int | None = None
    versions: tuple[Version, ...] = BOTH
