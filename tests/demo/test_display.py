"""Output of the demo: tables, hints to paste, and the pace of its polls."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from itertools import chain, count, repeat
from pathlib import Path
from shlex import split

import pytest
from rich.console import Console, RenderableType

from demo.balance import compute_balance
from demo.command import command, opening
from demo.display import balance_table, number, uncovered_table
from demo.doorway import MAILS
from demo.federation import OPERATOR_PAGES, PLATFORM_PAGES
from demo.step import poll_until_count
from tests.demo.test_balance import BRETAGNE, ENDS, NORMANDIE

SOON = 0.001


def rendered(renderable: RenderableType, width: int) -> list[str]:
    output = StringIO()
    console = Console(file=output, width=width)
    console.print(renderable)
    return [" ".join(line.split()) for line in output.getvalue().splitlines()]


def test_a_row_shows_channel_and_numbers_on_a_wide_terminal() -> None:
    lines = rendered(balance_table(compute_balance(ENDS), settled=True, wide=True), 120)
    assert "Bretagne push 5 1 1 3 2 1 0 ✓" in lines
    assert "All Regions 5 1 1 3 2 1 2" in lines
    assert "National site search, delivery API 2 0 1 1 1 0 2 ✓" in lines


def test_thousands_are_set_apart_by_a_narrow_space_that_breaks_no_line() -> None:
    assert "12\N{NARROW NO-BREAK SPACE}345" == number(12_345)


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut(width: int) -> None:
    long = replace(BRETAGNE, name="Bourgogne-Franche-Comté", channel="pull, CleverConnect XML")
    lines = rendered(
        balance_table(compute_balance(replace(ENDS, parties=(long, NORMANDIE))), settled=True, wide=width > 100), width
    )
    assert "…" not in "".join(lines)


def test_a_row_that_does_not_balance_counts_its_differences_at_the_end_only() -> None:
    wrong = compute_balance(replace(ENDS, delivered=()))
    assert "Bretagne 5 1 1 3 0 3 0 ✗ 3" in rendered(balance_table(wrong, settled=True), 80)
    assert "Bretagne 5 1 1 3 0 3 0 …" in rendered(balance_table(wrong, settled=False), 80)


def test_a_region_without_platform_names_the_receivers_of_its_offers() -> None:
    assert "Hauts-de-France 1 1 Normandie 1" in rendered(uncovered_table(compute_balance(ENDS)), 80)


def test_the_address_is_said_first_and_what_to_look_at_there() -> None:
    """With links to the pages of a platform, the operator's and the mails; a demo that ends by itself has nothing to
    look at.
    """
    doorways = {name: f"http://127.0.0.1:1/s/{name}" for name in (PLATFORM_PAGES, OPERATOR_PAGES, MAILS)}
    first, *rest = rendered(opening("http://127.0.0.1:18081", doorways), 200)
    assert "Passerelle http://127.0.0.1:18081/" == first
    assert [1, 1, 1, 1] == [
        sum(said in line for line in rest) for said in ("in a browser", *(f" {one}" for one in doorways.values()))
    ]
    first, *rest = rendered(opening("http://127.0.0.1:18081", {}), 200)
    assert "Passerelle http://127.0.0.1:18081/" == first
    assert 0 == sum("in a browser" in line for line in rest)


@pytest.fixture
def path() -> Iterator[Callable[[Path], None]]:
    """Sets where commands are looked for."""
    before = os.environ["PATH"]
    yield lambda folder: os.environ.update(PATH=str(folder))
    os.environ["PATH"] = before


def test_the_command_is_the_one_beside_the_interpreter_where_its_name_finds_nothing(
    path: Callable[[Path], None], tmp_path: Path
) -> None:
    path(tmp_path)
    assert [str(Path.cwd() / "a folder" / "passerelle")] == split(command("a folder/python"))


def test_the_command_that_is_printed_is_a_program(path: Callable[[Path], None], tmp_path: Path) -> None:
    path(tmp_path)
    (program,) = split(command(sys.executable))
    assert os.access(program, os.X_OK)


def test_the_command_is_called_by_its_name_where_that_finds_it(path: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "passerelle").symlink_to(sys.executable)
    path(tmp_path)
    assert "passerelle" == command("/somewhere/else/python")


async def test_polling_ends_when_the_goal_is_reached() -> None:
    counts = count()
    assert await poll_until_count(lambda: next(counts), 5, every=SOON, patience=60)
    assert 6 == next(counts)


async def test_polling_ends_when_the_count_stops_changing() -> None:
    """Otherwise a demo whose national site accepts no offer would run without end."""
    counts = chain([0, 1, 1, 2], repeat(2))
    async with asyncio.timeout(60):
        assert not await poll_until_count(lambda: next(counts), 5, every=SOON, patience=20 * SOON)


async def test_polling_ends_at_once_after_an_error() -> None:
    broken: list[str] = []

    def look() -> int:
        broken.append("a subscriber has given up")
        return 0

    async with asyncio.timeout(60):
        assert not await poll_until_count(look, 5, every=SOON, patience=600, broken=broken)
