"""Library of cases and requirements: the packaged files, read once, and the coverage of each requirement."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import orjson

from conformance.model.case import ROLES, Case, CaseDocument, ExpectedVerdict, Script, Step, read_step
from conformance.model.shorthand import unfolded
from schemas.registry import fast_validator, validator
from schemas.requirements import sentences
from schemas.texts import Texts, load_texts

_PACKAGE = __package__.rpartition(".")[0]
_CASES = files(_PACKAGE).joinpath("cases")
_TEMPLATE = ("put", "drop", "document", "text", "base64")
"""Members of a case that define its document; see ``script.body.document_of``."""
_LAST = frozenset({"statistics"})
"""Families about counts that appear some time later: what came before has then been counted."""
_DEFAULTS = ("roles", "explanation", "mend", "on", "feature", "also", "kind")


class CaseError(Exception):
    """A file of cases is invalid; the message names the file. A defect of the kit."""


@cache
def cases() -> tuple[Case, ...]:
    """All cases, in the order of their families and files, those that look at the whole run last. Raises CaseError."""
    found: dict[str, Case] = {}
    for family in sorted(_CASES.iterdir(), key=lambda entry: (entry.name in _LAST, entry.name)):
        if family.is_dir():
            for case in _read_family(family):
                if case.id in found:
                    raise CaseError(f"the case {case.id} is there twice")
                found[case.id] = case
    return tuple(found.values())


@cache
def base() -> dict[str, Any]:
    """The valid offer that cases derive from, as a template. Shared: callers must not change it."""
    loaded: dict[str, Any] = orjson.loads(_CASES.joinpath("base.json").read_bytes())
    return loaded


def _read_family(folder: Traversable) -> Iterator[Case]:
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            yield from read_topic(folder.name, file.name, file.read_bytes())


def read_topic(family: str, name: str, raw: bytes) -> Iterator[Case]:
    """The cases of one file. Raises CaseError."""
    try:
        topic = orjson.loads(raw)
        if "parts" in topic or b'"$part"' in raw:
            topic = _with_parts(topic)
    except (orjson.JSONDecodeError, CaseError) as error:
        raise CaseError(f"{family}/{name}: {error}") from error
    if not fast_validator("case").is_valid(topic):
        failure = next(validator("case").iter_errors(topic))
        pointer = "".join(f"/{step}" for step in failure.absolute_path)
        raise CaseError(f"{family}/{name}{pointer}: {failure.message[:200]}")
    defaults = {key: topic[key] for key in _DEFAULTS if key in topic}
    for body in topic["cases"]:
        yield _read_case(family, {**defaults, **body})


def _with_parts(topic: Mapping[str, Any]) -> Mapping[str, Any]:
    """The file with its parts in place of ``{"$part": name}``. Raises CaseError for a name without a part, a part that
    names one, and a part that no case names.
    """
    parts, named = topic.get("parts", {}), set[str]()
    if b'"$part"' in orjson.dumps(parts):
        raise CaseError("a part names another one")

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"$part"}:
                if value["$part"] not in parts:
                    raise CaseError(f"there is no part {value['$part']}")
                named.add(value["$part"])
                return parts[value["$part"]]
            return {name: whole(member) for name, member in value.items()}
        return [whole(item) for item in value] if isinstance(value, list) else value

    filled: Mapping[str, Any] = whole(topic)
    if unused := set(parts) - named:
        raise CaseError(f"no case names the part {min(unused)}")
    return filled


def _read_case(family: str, body: Mapping[str, Any]) -> Case:
    return Case(
        id=f"{family}/{body['name']}",
        requirements=tuple(body["requirements"]),
        roles=frozenset(body.get("roles", ROLES[:1])),
        title=body["title"],
        explanation=body["explanation"],
        mend=body["mend"],
        subject=_read_document(body) if "expected" in body else Script(tuple(_read_steps(body["steps"]))),
        feature=body.get("feature"),
        also=tuple(body.get("also", ())),
        unsupported=body.get("unsupported", False),
        severities=body.get("while", {}),
    )


def _read_steps(steps: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    return (read_step(each) for step in steps for each in unfolded(step))


def _read_document(body: Mapping[str, Any]) -> CaseDocument:
    expected = body["expected"]
    return CaseDocument(
        kind=body.get("kind", "offer"),
        template={key: body[key] for key in _TEMPLATE if key in body},
        on=date.fromisoformat(body["on"]),
        live=body.get("live", True),
        size=body.get("size"),
        expected=ExpectedVerdict(
            expected["accepted"], _read_problems(expected["problems"]), _read_problems(expected.get("open", ()))
        ),
    )


def _read_problems(problems: Iterable[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((problem["code"], problem.get("pointer", "")) for problem in problems)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement: id, sentence in the protocol, cases that name it, and the reason where there is none."""

    id: str
    sentence: Texts
    cases: tuple[Case, ...]
    reason: Texts | None


@cache
def reasons() -> Mapping[str, Texts]:
    """The reason of each requirement without a case, by id."""
    return load_texts(_PACKAGE, "uncovered.json")


def coverage() -> tuple[Requirement, ...]:
    """Every requirement, in the protocol's order."""
    return tuple(
        Requirement(id_, sentence, tuple(case for case in cases() if id_ in case.requirements), reasons().get(id_))
        for id_, sentence in sentences().items()
    )
