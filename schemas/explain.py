"""Explanation of schema failures: each failure of a document becomes one problem of the catalogue."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from schemas.failure import malformed_code, pointer_of, translate
from schemas.registry import property_validator, schema, validator
from schemas.rulebook import MAX_PROBLEMS, Problem, problem

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

_MAX_LIST = 200
_FAILURES = 5 * MAX_PROBLEMS


def explain(name: str, document: dict[str, Any]) -> list[Problem]:
    """All problems of the document under the schema of that name; empty if it is valid. At most 100, followed by one
    ``more-problems`` if the list is truncated.
    """
    failures, whole = _first_failures(_narrowed(name, document).iter_errors(_trimmed(document)))
    mistyped = {pointer_of(failure) for failure in failures if failure.validator == "type"}
    found: dict[tuple[str, str], Problem] = {}
    for failure in failures:
        if failure.validator != "type" and pointer_of(failure) in mistyped:
            continue  # a value of the wrong type also breaks the other keywords
        if (pointer_of(failure), malformed_code(failure)) in found:
            continue  # a code that is malformed for its length is so for its pattern
        for one in translate(failure, document):
            found.setdefault((one.pointer, one.code), one)
    problems = list(found.values())
    if whole and len(problems) <= MAX_PROBLEMS:
        return problems
    return [*problems[:MAX_PROBLEMS], problem("more-problems")]


def _first_failures(failures: "Iterator[ValidationError]") -> "tuple[list[ValidationError], bool]":
    """The failures of the first 101 failing values, each of which gives at least one problem, and whether these are all
    failures. The rest is not computed.
    """
    found: list[ValidationError] = []
    failing: set[tuple[str, str]] = set()
    for failure in failures:
        found.append(failure)
        failing.add(_value_of(failure))
        if len(failing) > MAX_PROBLEMS or len(found) == _FAILURES:
            return found, False
    return found, True


def _value_of(failure: "ValidationError") -> tuple[str, str]:
    """Identity of the failing value: its pointer, and the key if a key fails (``propertyNames``)."""
    key = str(failure.instance) if "propertyNames" in failure.absolute_schema_path else ""
    return pointer_of(failure), key


def _narrowed(name: str, document: dict[str, Any]) -> "Validator":
    """The explaining validator, which is slow, limited to the fields that the fast one finds invalid."""
    fields = {
        field: part if field in document and not property_validator(name, field).is_valid(document[field]) else True
        for field, part in schema(name)["properties"].items()
    }
    whole = {part: content for part, content in schema(name).items() if part != "$schema"}
    return validator(name).evolve(schema={**whole, "properties": fields})


def _trimmed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with overlong lists truncated: comparing all their items takes minutes."""

    def trim(value: Any) -> Any:
        if isinstance(value, list):
            return value[: _MAX_LIST + 1]
        if isinstance(value, dict):
            return {key: trim(member) for key, member in value.items()}
        return value

    return {key: member if key == "extensions" else trim(member) for key, member in document.items()}
