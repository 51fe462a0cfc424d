"""View model of a request: its mapping in words, and the problems of its dry run. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.notices.request_acts import RIGHT
from gateway.pages.base.columns import Column
from gateway.pages.base.texts import Texts
from gateway.pages.base.wording import spaced
from gateway.pages.connect.problems import label_in, with_labels
from gateway.pages.partners.form import PlatformForm
from gateway.partners.onboarding import PartnerInput, input_findings, presets
from gateway.protocol.identity import is_slug
from gateway.protocol.join_request import JoinRequest, Trial
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from schemas import catalogue, localized
from schemas.communes import plain_name
from schemas.french import plain_words
from schemas.rulebook import Language

TRIALS = ("none", "failed", "done")
"""Whether a request was tried: not yet, without success, or with."""
_MAX_VALUE = 80
_MAX_SLUG = 40
_NUMBER = re.compile(r"[0-9.]+")
_NO_SLUG = re.compile(r"[^a-z0-9]+")


def trial_of(request: JoinRequest) -> str:
    """The one of ``TRIALS`` that a request is."""
    return "none" if request.trial is None else "failed" if request.trial.failure else "done"


def columns(texts: Texts) -> Sequence[Column[JoinRequest]]:
    """The columns of the list, and of its file: no address, no path of a feed."""
    return (
        Column("name", lambda one: one.name, lambda one: plain_name(one.name)),
        Column("mail_domain", lambda one: one.hosts[0]),
        Column("feed_host", lambda one: one.hosts[1]),
        Column("confirmed", lambda one: paris_date(one.confirmed_at or 0), lambda one: one.confirmed_at),
        Column("last_trial", lambda one: str(texts(f"trial_{trial_of(one)}")), lambda one: TRIALS.index(trial_of(one))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialProblem:
    """A group of problems: the rule's name and code, the sentence of the first, and examples as id and value."""

    kind: str
    name: str
    code: str
    requirement: str
    sentence: str
    remedy: str
    count: int
    examples: Sequence[tuple[str, str]]


def fields_of(mapping: Mapping[str, Any], language: Language) -> Sequence[tuple[str, str]]:
    """The label of each field of the offer, with the path or the value that gives it."""
    fields: Mapping[str, Any] = mapping.get("fields", {})
    own = {name: mapping[name] for name in ("id",) if name in mapping}
    return [(label_in(name, language), _source(rule)) for name, rule in {**own, **fields}.items()]


def _source(rule: Any) -> str:
    """The paths of a rule, or the value that it sets."""
    if isinstance(rule, list):
        return ", ".join(filter(None, map(_source, rule)))
    if not isinstance(rule, dict):
        return str(rule)[:_MAX_VALUE]
    if "path" in rule:
        return _source(rule["path"])
    inner = [_source(rule[name]) for name in ("join", "parts", "first", "value", "fixed", "weeks") if name in rule]
    return ", ".join(filter(None, inner))


def proposal(request: JoinRequest, trial: Trial | None, others: Sequence[Partner]) -> PlatformForm:
    """The form of an approval: the slug of its name, unless it is known or taken, since the sender is not verified; and
    what the dry run has found of departments and hosts.
    """
    hosts = trial.hosts if trial is not None and trial.hosts else [request.hosts[1]]
    slug = _NO_SLUG.sub("-", plain_words(request.name)).strip("-")[:_MAX_SLUG].strip("-")
    taken_slugs = {*presets(), *(other.platform for other in others)}
    return PlatformForm(
        slug=slug if is_slug(slug) and slug not in taken_slugs else "",
        name=request.name,
        scopes=(RIGHT,),
        departments=" ".join(trial.departments if trial is not None else ()),
        hosts=" ".join(
            host
            for host in hosts
            if not _NUMBER.fullmatch(host) and not input_findings(slug, PartnerInput(hosts=[host]), others)
        ),
    )


def problems_of(groups: Sequence[Mapping[str, Any]], language: Language) -> Sequence[TrialProblem]:
    """The groups of a dry run, in words."""
    return [_found(group, language) for group in groups]


def _found(group: Mapping[str, Any], language: Language) -> TrialProblem:
    body, rule = localized(group, language), catalogue().get(str(group["code"]))
    return TrialProblem(
        kind="blocked" if body["severity"] == "error" else "look",
        name="" if rule is None else spaced(rule.name[language]),
        code=body["code"],
        requirement=body["requirement"],
        sentence=with_labels(body["message"], {}, language),
        remedy=with_labels(body["fix"], {}, language),
        count=group["count"],
        examples=[
            (str(one["id"] or one["position"]).rpartition(":")[2], str(one.get("value", ""))[:_MAX_VALUE])
            for one in group["examples"]
            if one["id"] or one["position"]
        ],
    )
