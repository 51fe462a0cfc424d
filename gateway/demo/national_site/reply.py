"""Answers of the simulated site, made by the table of its rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gateway.demo.national_site.rules import RULES


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body, and the rules that made them."""

    status: int
    body: Any
    rules: frozenset[str] = frozenset()


class BrokenError(Exception):
    """The site's code fails on this request: status 500. ``rule`` says why."""

    def __init__(self, rule: str) -> None:
        super().__init__(RULES[rule].does)
        self.rule = rule


def answer(rule: str, body: Any, cited: Iterable[str] = ()) -> Reply:
    """The answer that a rule decides, with the status of the table; ``cited`` are the rules that changed it."""
    status = RULES[rule].status
    if status is None:
        raise ValueError(f"{rule} decides no answer")
    return Reply(status, body, frozenset({rule, *cited}))


def refuse(rule: str, error: Any, cited: Iterable[str] = ()) -> Reply:
    """A refusal in the site's form, with status and code of the table; without code where the table has none."""
    code = RULES[rule].code
    return answer(rule, {"error": error} if code is None else {"code": code, "error": error}, cited)


def broken(rule: str, cited: Iterable[str] = ()) -> Reply:
    """The answer of a site whose code failed."""
    body = {"status": 500, "error": "Internal Server Error"}
    return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, body, frozenset({rule, *cited}))
