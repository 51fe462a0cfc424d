"""Coverage: every requirement of the protocol, its sentence, and the cases that prove it or why none does."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from conformance.model.case import Case
from conformance.model.library import cases
from schemas.texts import Texts, load_texts

_PACKAGE = __package__.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement: its id, its sentence in the protocol, the cases that name it, and else a reason."""

    id: str
    sentence: Texts
    cases: tuple[Case, ...]
    reason: Texts | None


@cache
def sentences() -> Mapping[str, Texts]:
    """The protocol's sentences by id (see ``build_requirements``); the English ones are normative."""
    return load_texts(_PACKAGE, "requirements.json")


@cache
def reasons() -> Mapping[str, Texts]:
    """Why a requirement has no case."""
    return load_texts(_PACKAGE, "uncovered.json")


def coverage() -> tuple[Requirement, ...]:
    """Every requirement in the protocol's order."""
    return tuple(
        Requirement(id_, sentence, tuple(case for case in cases() if id_ in case.requirements), reasons().get(id_))
        for id_, sentence in sentences().items()
    )
