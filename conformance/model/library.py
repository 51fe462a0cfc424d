"""Library of cases: every file under ``cases``, checked against the schema ``case`` and read once."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import orjson

from conformance.model.case import ROLES, Case, Document, Script, Verdict
from conformance.model.step import read_step
from schemas.registry import fast_validator, validator

_PACKAGE = files(__package__.rpartition(".")[0])
_DEFAULTS = ("roles", "explanation", "mend", "on", "feature", "kind")


class CaseError(Exception):
    """A file of cases is invalid; the message names the file. A defect of the kit."""


@cache
def cases() -> tuple[Case, ...]:
    """All cases, in the order of their families and files. Raises CaseError."""
    found: dict[str, Case] = {}
    for family in sorted(_PACKAGE.joinpath("cases").iterdir(), key=lambda entry: entry.name):
        if family.is_dir():
            for case in _read_family(family):
                if case.id in found:
                    raise CaseError(f"the case {case.id} is there twice")
                found[case.id] = case
    return tuple(found.values())


@cache
def base() -> dict[str, Any]:
    """The valid offer that cases derive from, as a template. Shared: callers must not change it."""
    loaded: dict[str, Any] = orjson.loads(_PACKAGE.joinpath("cases", "base.json").read_bytes())
    return loaded


def _read_family(folder: Traversable) -> Iterator[Case]:
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            yield from read_topic(folder.name, file.name, file.read_bytes())


def read_topic(family: str, name: str, raw: bytes) -> Iterator[Case]:
    """The cases of one file. Raises CaseError."""
    try:
        topic = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise CaseError(f"{family}/{name}: {error}") from error
    if not fast_validator("case").is_valid(topic):
        failure = next(validator("case").iter_errors(topic))
        pointer = "".join(f"/{step}" for step in failure.absolute_path)
        raise CaseError(f"{family}/{name}{pointer}: {failure.message[:200]}")
    defaults = {key: topic[key] for key in _DEFAULTS if key in topic}
    for body in topic["cases"]:
        yield _read_case(family, {**defaults, **body})


def _read_case(family: str, body: Mapping[str, Any]) -> Case:
    return Case(
        id=f"{family}/{body['name']}",
        requirements=tuple(body["requirements"]),
        roles=frozenset(body.get("roles", ROLES[:1])),
        title=body["title"],
        explanation=body["explanation"],
        mend=body["mend"],
        subject=_read_document(body) if "expected" in body else Script(tuple(map(read_step, body["steps"]))),
        feature=body.get("feature"),
        unsupported=body.get("unsupported", False),
    )


def _read_document(body: Mapping[str, Any]) -> Document:
    expected = body["expected"]
    return Document(
        kind=body.get("kind", "offer"),
        template=_template(body),
        on=date.fromisoformat(body["on"]),
        live=body.get("live", True),
        size=body.get("size"),
        expected=Verdict(
            expected["accepted"],
            frozenset((problem["code"], problem.get("pointer", "")) for problem in expected["problems"]),
        ),
    )


def _template(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of a case that define its document; see ``script.document.document_of``."""
    return {key: body[key] for key in ("put", "drop", "document", "text", "base64") if key in body}
