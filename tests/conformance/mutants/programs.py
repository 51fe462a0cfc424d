"""Wrong gateways as tables: the independent gateway with a few lines of its code changed, one fault each.

A row of ``tables/programs`` is [the requirement, the name, what is wrong, changes]; a change is a part of the code that
occurs once, and what takes its place. The table's ``parts`` stand for their names in angle brackets. Those that are
``placed`` have a subscriber with a territory of its own.
"""

import shutil
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from conformance.target.setup import Setup
from tests.conformance.independent_fixture import PROGRAMS, running_gateway
from tests.conformance.mutants.table import TABLES

Change: TypeAlias = tuple[str, str]
"""A part of a program that occurs there once, and what takes its place."""

_ROOT = Path(__file__).parents[3]
_WITHIN = PROGRAMS.relative_to(_ROOT).parts
READER: Mapping[str, Any] = {"platform": "lecteur", "territory": ["35", "22", "14"]}
"""A subscriber whose territory no preset knows: departments of two regions, neither of them whole."""


@dataclass(frozen=True, slots=True)
class WrongProgram:
    """A wrong gateway: what is wrong with it, the requirement that it violates, and the changes that make it so."""

    name: str
    fault: str
    names: str
    changes: tuple[Change, ...]
    file: str = "gateway"
    subscriber: Mapping[str, Any] | None = None
    configuration: Mapping[str, Any] | None = None


def read_programs(table: str) -> dict[str, WrongProgram]:
    """The programs of a table, by name."""
    read = tomllib.loads((TABLES / f"programs/{table}.toml").read_text(encoding="utf-8"))

    def whole(text: str) -> str:
        for name, part in read["parts"].items():
            text = text.replace(f"<{name}>", part)
        return text

    programs = {}
    for kind, rows in read["programs"].items():
        for names, name, fault, *rest in rows:
            changes = tuple((whole(old), whole(new)) for old, new in (each for each in rest if isinstance(each, list)))
            more = {key: value for each in rest if isinstance(each, dict) for key, value in each.items()}
            subscriber = READER if kind == "placed" else None
            programs[name] = WrongProgram(name, fault, names, changes, subscriber=subscriber, **more)
    return programs


WRONG_PROGRAMS = read_programs("feed") | read_programs("reader") | read_programs("state")
HONEST_PROGRAMS = read_programs("honest")
"""Gateways that no sentence forbids: the cases of the requirement that a row names must not complain."""


@asynccontextmanager
async def wrong_gateway(mutant: WrongProgram) -> AsyncIterator[Setup]:
    """The running gateway, and the set-up that the kit needs for it."""
    with TemporaryDirectory() as name:
        folder, code = Path(name), Path(name, *_WITHIN)
        shutil.copytree(PROGRAMS, code)
        (folder / "schemas").symlink_to(_ROOT / "schemas")  # where the program looks for it
        program = code / f"{mutant.file}.mjs"
        program.write_text(rewritten(program.read_text(encoding="utf-8"), mutant), encoding="utf-8")
        more = mutant.configuration or {}
        async with running_gateway(folder, code=code, subscriber=mutant.subscriber, **more) as setup:
            yield setup


def rewritten(text: str, mutant: WrongProgram) -> str:
    """The program's text with the changes. Raises ValueError where a part does not occur exactly once."""
    for old, new in mutant.changes:
        if text.count(old) != 1:
            raise ValueError(f"{mutant.name}: {old!r} occurs {text.count(old)} times in {mutant.file}.mjs")
        text = text.replace(old, new)
    return text
