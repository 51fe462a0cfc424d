"""Labels of reports: roles, profiles, families and counted outcomes in words. A name without a label is its own."""

from collections.abc import Mapping
from functools import cache

from conformance.model.result import Outcome
from conformance.words import Texts, plain, say

JUDGED = "judged"
"""Family of the results of ``judge``."""


def role_label(role: str) -> Texts:
    """A role in words."""
    return _roles().get(role, plain(role))


def profile_label(profile: str) -> Texts:
    """A profile in words; ``file`` is that of a file judged offline."""
    return _profiles().get(profile, plain(profile))


def family_label(family: str) -> Texts:
    """A family of cases in words."""
    return _families().get(family, plain(family))


def label_of(outcome: Outcome, number: int) -> Texts:
    """An outcome in words, in the singular or plural that each language asks for."""
    one, many = outcome.label, _many().get(outcome, outcome.label)
    return {"fr": (one if number < 2 else many)["fr"], "en": (one if number == 1 else many)["en"]}


def seconds(milliseconds: int) -> Texts:
    """A duration in seconds, with the decimal mark of each language."""
    text = f"{milliseconds / 1000:.1f}\u00a0s"
    return {"fr": text.replace(".", ","), "en": text}


def is_judged(case: str) -> bool:
    """Whether a result is that of an offer in a judged file: each of its findings has a remedy of its own."""
    return case.startswith(f"{JUDGED}/")


@cache
def _roles() -> Mapping[str, Texts]:
    return {
        "gateway": say("role-gateway"),
        "publisher": say("role-publisher"),
        "subscriber": say("role-subscriber"),
        "national": say("role-national"),
    }


@cache
def _profiles() -> Mapping[str, Texts]:
    return {"full": say("profile-full"), "core": say("profile-core"), "file": say("profile-file")}


@cache
def _many() -> Mapping[Outcome, Texts]:
    return {
        Outcome.PASS: say("pass-many"),
        Outcome.FAIL: say("fail-many"),
        Outcome.SKIP: say("skip-many"),
        Outcome.ERROR: say("kit-error-many"),
        Outcome.CONFIG_ERROR: say("config-error-many"),
    }


@cache
def _families() -> Mapping[str, Texts]:
    return {
        "batch": say("family-batch"),
        "crash": say("family-crash"),
        "discovery": say("family-discovery"),
        "document": say("family-document"),
        "employer": say("family-employer"),
        "error": say("family-error"),
        "extras": say("family-extras"),
        "feature": say("family-feature"),
        "feed": say("family-feed"),
        "fields": say("family-fields"),
        "identity": say("family-identity"),
        "judged": say("family-judged"),
        "limits": say("family-limits"),
        "link": say("family-link"),
        "national": say("family-national"),
        "national-site": say("family-national-site"),
        "order": say("family-order"),
        "place": say("family-place"),
        "publish": say("family-publish"),
        "publisher": say("family-publisher"),
        "receipt": say("family-receipt"),
        "repeat": say("family-repeat"),
        "routing": say("family-routing"),
        "schedule": say("family-schedule"),
        "security": say("family-security"),
        "snapshot": say("family-snapshot"),
        "statistics": say("family-statistics"),
        "subscriber": say("family-subscriber"),
        "text": say("family-text"),
        "time": say("family-time"),
        "topic": say("family-topic"),
        "watched": say("family-watched"),
        "withdrawal": say("family-withdrawal"),
    }
