"""States and journeys of pages, which the tests open in Chromium. Each module of ``tests/pages/states`` lists some."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard

Reach: TypeAlias = Callable[[Tab, Language], None]
"""Brings an open page into a state: fills a form in, sends it, waits for its answer."""
ERROR = "error"
"""The name of the page of refusals, which has no address of its own."""


@dataclass(frozen=True, slots=True)
class State:
    """One state of a page. ``paths``: other addresses than the page's own; ``status``: of the first answer, ``then``:
    of the last answer that ``reach`` brings.
    """

    page: str
    name: str
    reach: Reach | None = None
    paths: dict[Language, str] | None = None
    status: int = 200
    then: int = 200


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey from a page by keyboard alone, without JavaScript, at 320 px. ``go`` fails where it is not possible."""

    page: str
    name: str
    go: Callable[[Keyboard, Language], None]


def states() -> list[State]:
    """The states of all pages."""
    return [state for module in _modules() for state in getattr(module, "STATES", ())]


def journeys() -> list[Journey]:
    """The journeys of all pages."""
    return [journey for module in _modules() for journey in getattr(module, "JOURNEYS", ())]


def _modules() -> Iterator[object]:
    for path in sorted((Path(__file__).parent / "states").glob("*.py")):
        yield importlib.import_module(f"tests.pages.states.{path.stem}")
