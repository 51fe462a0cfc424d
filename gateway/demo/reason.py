"""Reasons: why offers were refused or warned about, as the gateway has said it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Reasons:
    """How often each code, its severity, and the first message in French."""

    counts: Counter[str] = field(default_factory=Counter)
    severities: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, problem: Mapping[str, Any], times: int = 1) -> None:
        """Count a problem of an answer; its message may be in both languages."""
        code, message = problem["code"], problem["message"]
        self.counts[code] += times
        self.severities.setdefault(code, problem["severity"])
        self.messages.setdefault(code, message if isinstance(message, str) else message["fr"])
