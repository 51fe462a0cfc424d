"""Refusal counts: problem codes of refusals and warnings in the gateway's answers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class RefusalCounts:
    """Count, severity and first message in French of each problem code."""

    counts: Counter[str] = field(default_factory=Counter)
    severities: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, problem: Mapping[str, Any], times: int = 1) -> None:
        """Count a problem of an answer; its message is one text, or one by language."""
        code, message = problem["code"], problem["message"]
        self.counts[code] += times
        self.severities.setdefault(code, problem["severity"])
        self.messages.setdefault(code, message if isinstance(message, str) else message["fr"])
