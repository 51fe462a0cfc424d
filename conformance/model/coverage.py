"""Coverage: every requirement of the protocol with the cases that prove it, or the reason for none."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from conformance.model.case import Case
from conformance.model.library import cases
from schemas.texts import Texts, load_texts

_PACKAGE = __package__.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement: id, sentence in the protocol, cases that name it, and the reason where there is none."""

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
    """The reason of each requirement without a case, by id."""
    return load_texts(_PACKAGE, "uncovered.json")


def coverage() -> tuple[Requirement, ...]:
    """Every requirement, in the protocol's order."""
    return tuple(
        Requirement(id_, sentence, tuple(case for case in cases() if id_ in case.requirements), reasons().get(id_))
        for id_, sentence in sentences().items()
    )
