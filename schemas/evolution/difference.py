"""Gaps between two schemas: documents that one takes and the other does not, by path and keyword."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.evolution.literal import BESIDE, Literal, conjuncts
from schemas.evolution.solve import NOTHING, solve

OTHER_NAME = "*"
"""In a path: a member that the schema does not name."""


class Breach(NamedTuple):
    """One way to break a schema: the path of what breaks it, the keyword that is broken, and a schema of all documents
    that break it so.
    """

    path: tuple[str, ...]
    keyword: str
    schema: Any

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer; of the items of a list it names the first."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.path)


class Gap(NamedTuple):
    """A failure of one schema by documents of the other, and the smallest such document found."""

    failure: Breach
    document: Any


def gaps(taken: Any, refusing: Any) -> Iterator[Gap]:
    """The gaps between two resolved schemas: what the first takes and the second does not; none proves that the second
    takes everything. Raises UndecidedError.
    """
    for failure in failures(refusing, taken):
        document = solve(Literal(taken), Literal(failure.schema))
        if document is not NOTHING:
            yield Gap(failure, document)


def further(taken: Any, gap: Gap, known: Sequence[Any]) -> Any:
    """Another document of the same gap, without these values at its path; NOTHING if there is none."""
    return solve(
        Literal(taken), Literal(gap.failure.schema), Literal(_inside(gap.failure.path, {"enum": [*known]}), False)
    )


def failures(schema: Any, taken: Any) -> Iterator[Breach]:
    """Every way to break a schema; without those that nothing in ``taken`` can, as far as its text shows that."""
    known = conjuncts(taken)
    written = {orjson.dumps(one) for one in known}  # in Python 1 equals true
    for part in conjuncts(schema):
        if orjson.dumps(part) not in written:
            yield from _of_keyword(part, known)


def _of_keyword(part: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> Iterator[Breach]:
    keyword, value = next(iter(part.items()))
    if keyword == "properties":
        ((name, inner),) = value.items()
        for one in failures(inner, _all_of(other["properties"][name] for other in _with(known, keyword, name))):
            yield Breach((name, *one.path), one.keyword, _inside((name,), one.schema))
    elif keyword == "items":
        for one in failures(value, _all_of(other["items"] for other in known if "items" in other)):
            lists = {"type": "array", "not": {"items": {"not": one.schema}}}
            yield Breach(("0", *one.path), one.keyword, lists)
    elif keyword == BESIDE:
        yield from _of_further(value[0], value[1], known)
    elif keyword in {"required", "dependentRequired"}:
        name = value[0] if keyword == "required" else next(iter(value.values()))[0]
        yield Breach((name,), keyword, {"type": "object", "not": dict(part)})
    elif keyword == "enum":
        yield from _of_enum(value, known)
    elif keyword == "if":
        yield from _of_branches(part, known)
    else:
        yield Breach((), keyword, {"not": dict(part)})


def _of_further(names: Sequence[str], inner: Any, known: Sequence[Mapping[str, Any]]) -> Iterator[Breach]:
    """A failure for each member that only the other schema names, and one for all further members."""
    named = sorted({name for one in known for name in one.get("properties", ())} - {*names})
    for name in named:
        yield Breach((name,), "additionalProperties", _inside((name,), {"not": inner}))
    yield Breach((OTHER_NAME,), "additionalProperties", {"type": "object", "not": {BESIDE: [[*names, *named], inner]}})


def _of_enum(values: Sequence[Any], known: Sequence[Mapping[str, Any]]) -> Iterator[Breach]:
    """A failure for each value that only the other list has; one for all others where it has no list."""
    listed = next((one["enum"] for one in known if "enum" in one), None)
    if listed is None:
        yield Breach((), "enum", {"not": {"enum": [*values]}})
    else:
        for value in listed:
            yield Breach((), "enum", {"const": value, "not": {"enum": [*values]}})


def _of_branches(part: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> Iterator[Breach]:
    condition = orjson.dumps(part["if"])
    same = next((one for one in known if "if" in one and orjson.dumps(one["if"]) == condition), {})
    for name, met in (("then", part["if"]), ("else", {"not": part["if"]})):
        for one in failures(part.get(name, True), same.get(name, True)):
            yield Breach(one.path, one.keyword, {"allOf": [met, one.schema]})


def _with(known: Sequence[Mapping[str, Any]], keyword: str, name: str) -> list[Mapping[str, Any]]:
    return [one for one in known if name in one.get(keyword, ())]


def _all_of(parts: Iterator[Any]) -> Any:
    return {"allOf": [*parts]}


def _inside(path: Sequence[str], schema: Any) -> Any:
    """The schema of documents that have something at a path, for which a schema holds."""
    for name in reversed(path):
        schema = {"type": "object", "required": [name], "properties": {name: schema}}
    return schema
