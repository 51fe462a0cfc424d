"""Answers of the simulated site, with status and code from the table of rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gateway.demo.national_site.rules import RULES


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body, and the applied rules."""

    status: int
    body: Any
    rules: frozenset[str] = frozenset()


class BrokenError(Exception):
    """The site's code fails on this request with status 500, by ``rule``."""

    def __init__(self, rule: str) -> None:
        super().__init__(RULES[rule].does)
        self.rule = rule


def answer(rule: str, body: Any, cited: Iterable[str] = ()) -> Reply:
    """The answer of a rule, with the table's status; ``cited`` are further applied rules. Raises ValueError for a rule
    without a status.
    """
    status = RULES[rule].status
    if status is None:
        raise ValueError(f"{rule} decides no answer")
    return Reply(status, body, frozenset({rule, *cited}))


def refuse(rule: str, error: Any, cited: Iterable[str] = ()) -> Reply:
    """A refusal in the site's form, with the table's status and, if any, its code."""
    code = RULES[rule].code
    return answer(rule, {"error": error} if code is None else {"code": code, "error": error}, cited)


def broken(rule: str, cited: Iterable[str] = ()) -> Reply:
    """The answer 500 of a failure in the site's code."""
    body = {"status": 500, "error": "Internal Server Error"}
    return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, body, frozenset({rule, *cited}))
