"""Explanation: why a document breaks its schema, every failure as one problem of the catalogue."""

from itertools import islice
from typing import TYPE_CHECKING, Any

from schemas.failure import pointer_of, translate
from schemas.registry import property_validator, schema, validator
from schemas.rulebook import MAX_PROBLEMS, Problem, problem

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_LONGEST_LIST = 200
_FAILURES = 5 * MAX_PROBLEMS


def explain(name: str, document: dict[str, Any]) -> list[Problem]:
    """Every way in which the document breaks the schema of that name; empty when it does not. At most 100, and then
    one ``more-problems``, which says that the list is not whole.
    """
    failures = list(islice(_narrowed(name, document).iter_errors(_trimmed(document)), _FAILURES))
    mistyped = {pointer_of(failure) for failure in failures if failure.validator == "type"}
    found: dict[tuple[str, str], Problem] = {}
    for failure in failures:
        if failure.validator != "type" and pointer_of(failure) in mistyped:
            continue  # a value of the wrong type breaks the rules of the right one too
        for trouble in translate(failure, document):
            found.setdefault((trouble.pointer, trouble.code), trouble)
    problems = list(found.values())
    if len(problems) <= MAX_PROBLEMS and len(failures) < _FAILURES:
        return problems
    return [*problems[:MAX_PROBLEMS], problem("more-problems")]


def _narrowed(name: str, document: dict[str, Any]) -> "Validator":
    """The explaining validator without the schemas of fields that the fast one finds sound: it is slow, most are."""
    body = schema(name)
    fields = {
        field: part if field in document and not property_validator(name, field).is_valid(document[field]) else True
        for field, part in body["properties"].items()
    }
    return validator(name).evolve(schema={**body, "properties": fields})


def _trimmed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its lists cut where they are far too long already: comparing all their items takes minutes."""

    def trim(value: Any) -> Any:
        if isinstance(value, list):
            return value[: _LONGEST_LIST + 1]
        if isinstance(value, dict):
            return {key: trim(member) for key, member in value.items()}
        return value

    return {key: member if key == "extensions" else trim(member) for key, member in document.items()}
