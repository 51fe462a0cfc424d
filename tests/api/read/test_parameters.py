"""Query parameters: one reader, and all errors reported at once."""

import pytest
from multidict import MultiDict

from gateway.api.problem import ProblemError
from gateway.api.query import Parameters, refuse_parameters

KNOWN = ("limit", "dry_run", "reason", "week", "cursor")


def read_all(*given: tuple[str, str]) -> None:
    with Parameters(MultiDict(given), KNOWN) as parameters:
        parameters.integer("limit", least=1, most=10)
        parameters.flag("dry_run")
        parameters.choice("reason", ("filled", "cancelled"))
        parameters.several("week", str.isdigit, "digits")
        parameters.text("cursor")


def wrong(*given: tuple[str, str]) -> list[tuple[str, str]]:
    """The codes of the errors, and the text that each is about."""
    with pytest.raises(ProblemError) as refused:
        read_all(*given)
    error = refused.value
    problems = error.problems or [error.explanation.to_json()]
    return [(problem["code"], problem["actual"]) for problem in problems]


def test_valid_parameters_are_read_and_absent_ones_are_none() -> None:
    given = MultiDict([("limit", "7"), ("dry_run", "true"), ("week", "1,2"), ("week", "3")])
    with Parameters(given, KNOWN) as parameters:
        assert (7, True) == (parameters.integer("limit", least=1, most=10), parameters.flag("dry_run"))
        assert {"1", "2", "3"} == parameters.several("week", str.isdigit, "digits")
        assert (None, None) == (parameters.choice("reason", ("filled",)), parameters.text("cursor"))
    with Parameters(MultiDict(), KNOWN) as parameters:
        assert parameters.flag("dry_run") is None


def test_what_is_true_or_false_is_also_read_as_1_or_0() -> None:
    """ERR-002: generated clients write either."""
    read = {}
    for text in ("true", "1", "false", "0"):
        with Parameters(MultiDict([("dry_run", text)]), KNOWN) as parameters:
            read[text] = parameters.flag("dry_run")
    assert {"true": True, "1": True, "false": False, "0": False} == read
    assert [("parameter-invalid", text) for text in ("True", "01", "")] == [
        error for text in ("True", "01", "") for error in wrong(("dry_run", text))
    ]


@pytest.mark.parametrize("text", ["0", "11", "+5", " 5", "٥", "5_0", "", "9" * 30])
def test_a_number_is_plain_digits_within_its_bounds(text: str) -> None:
    assert [("parameter-invalid", text)] == wrong(("limit", text))


def test_a_parameter_given_twice_is_wrong_where_one_is_meant() -> None:
    assert [("parameter-invalid", "1,1")] == wrong(("limit", "1"), ("limit", "1"))


def test_everything_wrong_is_reported_at_once() -> None:
    """ERR-002."""
    given = (("limt", "5"), ("dry_run", "yes"), ("reason", "sold"), ("week", "1,x"), ("cursor", ""))
    assert [
        ("parameter-unknown", "limt"),
        ("parameter-invalid", "yes"),
        ("parameter-invalid", "sold"),
        ("parameter-invalid", "x"),
        ("parameter-invalid", ""),
    ] == wrong(*given)


def test_an_error_of_the_block_itself_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), Parameters(MultiDict([("odd", "1")]), KNOWN):
        raise ZeroDivisionError


def test_a_call_without_parameters_takes_none() -> None:
    """ERR-002."""
    refuse_parameters(MultiDict())
    with pytest.raises(ProblemError, match="parameter-unknown"):
        refuse_parameters(MultiDict([("limit", "1")]))
