"""The result of one check of ``passerelle doctor``."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one subject; ``step`` is the remedy, empty if none is needed."""

    state: State
    about: str
    said: str
    step: str = ""
