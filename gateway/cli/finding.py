"""What ``passerelle doctor`` finds."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and how it is; ``step`` mends it."""

    state: State
    about: str
    said: str
    step: str = ""
