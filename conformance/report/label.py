"""Labels of reports: roles, profiles, families and counted outcomes in words (``labels.json``)."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from conformance.model.result import Outcome
from conformance.words import Texts, plain
from schemas.texts import load_texts

JUDGED = "judged"
"""Family of the results of ``judge``."""


def label(kind: Literal["families", "profiles", "roles"], name: str) -> Texts:
    """A name in words; one without a label is its own. The profile ``file`` is that of a file judged offline."""
    return _labels()[kind].get(name, plain(name))


def label_of(outcome: Outcome, number: int) -> Texts:
    """An outcome in words, in the singular or plural that each language asks for."""
    one, many = outcome.label, _labels()["many"].get(outcome.value, outcome.label)
    return {"fr": (one if number < 2 else many)["fr"], "en": (one if number == 1 else many)["en"]}


def seconds(milliseconds: int) -> Texts:
    """A duration in seconds, with the decimal mark of each language."""
    text = f"{milliseconds / 1000:.1f}\u00a0s"
    return {"fr": text.replace(".", ","), "en": text}


def is_judged(case: str) -> bool:
    """Whether a result is that of an offer in a judged file: each of its findings has a remedy of its own."""
    return case.startswith(f"{JUDGED}/")


@cache
def _labels() -> Mapping[str, Mapping[str, Texts]]:
    return load_texts(__package__, "labels.json")
