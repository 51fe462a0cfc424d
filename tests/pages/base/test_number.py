"""Whole numbers of addresses and forms, and the one way in which pages wait for their views."""

import re

import pytest

from gateway.pages.base.number import whole_number
from gateway.pages.base.page import views_behind
from gateway.pages.base.texts import FOLDER


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("7", 7), ("10", 10), ("007", 7)])
def test_digits_are_a_number(text: str, expected: int) -> None:
    assert expected == whole_number(text, most=10)


@pytest.mark.parametrize("text", ["", "11", "-1", "+1", " 1", "1.0", "1e1", "²", "٣", "1_0", "9" * 5_000])
def test_any_other_text_is_none(text: str) -> None:
    assert whole_number(text, most=10) is None


def test_one_function_reads_numbers_and_one_says_that_views_are_behind() -> None:
    sources = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*.py")}
    assert {"base/number.py"} == {name for name, text in sources.items() if re.search(r"\bisdigit\(", text)}
    assert {"base/page.py"} == {
        name for name, text in sources.items() if re.search(r"^_?RETRY\w* = ", text, re.MULTILINE)
    }
    assert (503, {"Retry-After": "2"}) == (views_behind().status, views_behind().headers)
