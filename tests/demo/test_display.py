"""The rendering of a balance on wide and narrow consoles."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from gateway.demo.balance import compute_balance
from gateway.demo.display import balance_table, number, uncovered_table
from tests.demo.test_balance import BRETAGNE, ENDS, NORMANDIE


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
    long = replace(BRETAGNE, name="Bourgogne-Franche-Comté", way="pull, CleverConnect XML")
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
