"""The verdict on what a visitor has sent, as the page displays it: bounded in size, in one language. Pure.

``schemas.check_submission`` and the feeds' own engine are the judges; this module chooses and orders what they say.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

import schemas
from gateway.pages.check.content import (
    KINDS,
    ContentShape,
    Kind,
    NoDocumentsError,
    SentDocument,
    SentDocuments,
    Syntax,
    inflate,
    recognise,
    split,
)
from gateway.pages.check.locate import Locator, Quote
from gateway.pages.check.port import Body, Engine, FeedVerdict, KnownProfile
from gateway.pages.check.relayed import Destination, Relayed, destinations, published, relayed
from schemas import Problem, Verdict
from schemas.rulebook import Language

MAX_BYTES = 1024 * 1024
MAX_OFFERS = 20
MAX_PROBLEMS = 20
MAX_PROBLEMS_ALONE = 101
MAX_EXAMPLES = 3
EXPLAINING_SECONDS, LOCATING_SECONDS, JUDGING_SECONDS = 0.45, 0.6, 0.75
"""Processor time after which refusals are no longer explained, lines no longer found, offers no longer judged."""
AUTO = "auto"
FEED = "feed:"
Outcome: TypeAlias = Literal["accepted", "warned", "refused"]
Spent: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class ProblemView:
    """One problem, or a group of them with a ``count`` and the numbers of some offers."""

    severity: Literal["error", "warning"]
    code: str
    requirement: str
    pointer: str
    sentence: str
    consequence: str
    remedy: str
    quote: Quote | None = None
    count: int = 1
    examples: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class OfferProblems:
    """One offer with problems, among several."""

    number: int
    line: int
    id: str
    outcome: Outcome
    problems: Sequence[ProblemView]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdict. ``format``: the recognised one, a kind of documents or the slug of a profile. ``unread``: why there
    is no verdict, as the code of a text with its ``values``. ``rules``: the number of problems by code, for the log.
    """

    format: str
    profile: str = ""
    unread: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    outcome: Outcome = "refused"
    withdrawal: bool = False
    errors: int = 0
    warnings: int = 0
    problems: Sequence[ProblemView] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    whole: bool = True
    groups: Sequence[ProblemView] = ()
    offers: Sequence[OfferProblems] = ()
    more_offers: int = 0
    relayed: Relayed | None = None
    destinations: Sequence[Destination] = ()
    published: Sequence[Mapping[str, Any]] = ()
    rules: Mapping[str, int] = field(default_factory=dict)


def examine(
    content: bytes, *, choice: str, language: Language, on: date, engine: Engine, spent: Spent = lambda: 0.0
) -> Report:
    """The report on this content. ``choice``: the visitor's choice of a format; ``spent``: the processor time used so
    far.
    """
    try:
        content = inflate(content, most=MAX_BYTES)
        shape = _shape(content, choice, engine)
        if shape.kind == "feed":
            slug = choice.removeprefix(FEED) if choice.startswith(FEED) else ""
            return _examine_feed(content, slug, shape.syntax, language, on, engine, spent)
        documents = split(content, shape.kind)
        if shape.kind == "offer":
            return _examine_one(documents.items[0], language, on, engine)
        return _examine_many(documents, shape.kind, language, on, engine, spent)
    except NoDocumentsError as error:
        problems = () if error.problem is None else (_view(error.problem.to_json(), language),)
        rules = {view.code: 1 for view in problems}
        unread = "" if problems else error.code
        return Report(
            format="none", unread=unread, values=error.values, problems=problems, errors=len(problems), rules=rules
        )


def _shape(content: bytes, choice: str, engine: Engine) -> ContentShape:
    """The chosen format, or the recognised one. What cannot be text is refused in any case."""
    known = {profile.slug: profile for profile in engine.profiles}
    found = recognise(content)
    if choice in KINDS:
        kind: Kind = next(one for one in KINDS if one == choice)
        return ContentShape(kind)
    if choice.startswith(FEED) and choice.removeprefix(FEED) in known:
        return ContentShape("feed", known[choice.removeprefix(FEED)].syntax)
    return found


def _examine_one(document: SentDocument, language: Language, on: date, engine: Engine) -> Report:
    verdict = schemas.check_submission(document.raw, on=on, activations=engine.activations)
    locator = Locator(document.raw, verdict.problems)
    views = [_located(problem, locator, language) for problem in verdict.problems[:MAX_PROBLEMS_ALONE]]
    views.sort(key=_in_order)
    severities = Counter(problem.severity for problem in verdict.problems)
    national = None if verdict.offer is None else engine.national(verdict.offer, on=on)
    withdrawal = verdict.document is not None and "withdrawn" in verdict.document
    return Report(
        format="offer",
        outcome=_outcome(verdict),
        withdrawal=withdrawal,
        errors=severities["error"],
        warnings=severities["warning"],
        problems=views,
        relayed=relayed(verdict, language),
        destinations=() if withdrawal else destinations(verdict, national, language),
        rules=Counter(problem.code for problem in verdict.problems),
    )


def _examine_many(
    documents: SentDocuments, kind: Kind, language: Language, on: date, engine: Engine, spent: Spent
) -> Report:
    outcomes: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    groups: dict[str, _SameProblem] = {}
    offers: list[OfferProblems] = []
    faulty = judged = 0
    for document in documents.items:
        if spent() > JUDGING_SECONDS:
            break
        judged += 1
        verdict = schemas.check_submission(
            document.raw, on=on, explained=spent() < EXPLAINING_SECONDS, activations=engine.activations
        )
        outcome = _outcome(verdict)
        outcomes[outcome] += 1
        if not verdict.problems:
            continue
        faulty += 1
        for code, found in _by_code(verdict.problems).items():
            rules[code] += len(found)
            groups.setdefault(code, _SameProblem(found[0])).add(document, verdict.id)
        if len(offers) < MAX_OFFERS:
            offers.append(_offer_view(document, verdict, outcome, language, locate=spent() < LOCATING_SECONDS))
    if not judged:
        raise NoDocumentsError("too-costly")
    return Report(
        format=kind,
        outcome="refused" if outcomes["refused"] else "warned" if faulty else "accepted",
        counts={"read": documents.total, "judged": judged, "passed": 0, **{one: outcomes[one] for one in _OUTCOMES}},
        errors=sum(rules[code] for code, group in groups.items() if group.severity == "error"),
        warnings=sum(rules[code] for code, group in groups.items() if group.severity == "warning"),
        whole=judged == documents.total,
        groups=sorted(
            (group.view(language) for group in groups.values()), key=lambda one: (one.severity != "error", -one.count)
        ),
        offers=offers,
        more_offers=faulty - len(offers),
        rules=rules,
    )


_OUTCOMES: tuple[Outcome, ...] = ("accepted", "warned", "refused")


def _examine_feed(
    content: bytes, slug: str, syntax: Syntax | None, language: Language, on: date, engine: Engine, spent: Spent
) -> Report:
    """By the chosen profile, or else by the one that fits: of all that are written so."""
    candidates = [one for one in engine.profiles if one.slug == slug or (not slug and one.syntax == syntax)]
    judged = [
        (profile, engine.evaluate(profile.slug, content, on=on, stop=lambda: spent() > JUDGING_SECONDS))
        for profile in candidates
    ]
    fitting = [(profile, verdict) for profile, verdict in judged if verdict.usable]
    if len(fitting) > 1:
        names = ", ".join(profile.name for profile, _ in fitting)
        raise NoDocumentsError("ambiguous", names=names)
    if not fitting and not slug:
        fitting = [(profile, verdict) for profile, verdict in judged if not verdict.misfit][:1]
    if not fitting and not slug:
        raise NoDocumentsError(UNKNOWN.get(syntax or "csv", "unknown"))
    profile, verdict = fitting[0] if fitting else judged[0]
    return _feed_report(profile, verdict, language)


UNKNOWN: Mapping[Syntax, str] = {"xml": "unknown-xml", "html": "html", "json": "unknown-json"}


def _feed_report(profile: KnownProfile, verdict: FeedVerdict, language: Language) -> Report:
    views = [_group_view(body, language) for body in verdict.problems]
    whole_feed = [view for view in views if not view.examples]
    groups = [view for view in views if view.examples]
    counts = verdict.counts
    accepted = counts["published"] - counts["warned"]
    errors = sum(view.count for view in views if view.severity == "error")
    warned = any(view.severity == "warning" for view in views)
    return Report(
        format=profile.format,
        profile=profile.name,
        outcome="refused" if errors or not counts["published"] else "warned" if warned else "accepted",
        errors=errors,
        warnings=sum(view.count for view in views if view.severity == "warning"),
        problems=whole_feed,
        counts={
            "read": counts["items"],
            "judged": counts["items"],
            "passed": counts["passed"],
            "accepted": max(0, accepted),
            "warned": counts["warned"],
            "refused": counts["refused"],
        },
        whole=verdict.whole,
        groups=groups,
        published=[published(offer, language) for offer in verdict.offers],
        rules=Counter({view.code: view.count for view in views}),
    )


class _SameProblem:
    """The problems with one code: the first of them, the number of offers, some of these."""

    def __init__(self, first: Problem) -> None:
        self._first = first
        self._count = 0
        self._examples: list[tuple[str | None, int]] = []

    @property
    def severity(self) -> str:
        """The severity of its problems."""
        return self._first.severity

    def add(self, document: SentDocument, offer_id: str | None) -> None:
        """Count one offer."""
        self._count += 1
        if len(self._examples) < MAX_EXAMPLES:
            self._examples.append((offer_id, document.line))

    def view(self, language: Language) -> ProblemView:
        """The group for the page."""
        examples = tuple(_example(offer_id, line, "", language) for offer_id, line in self._examples)
        return _view(self._first.to_json(), language, count=self._count, examples=examples)


def _offer_view(
    document: SentDocument, verdict: Verdict, outcome: Outcome, language: Language, *, locate: bool
) -> OfferProblems:
    problems = verdict.problems[:MAX_PROBLEMS]
    locator = Locator(document.raw, problems, line=document.line) if locate else None
    views = sorted((_located(problem, locator, language) for problem in problems), key=_in_order)
    more = len(verdict.problems) - len(problems)
    return OfferProblems(document.number, document.line, verdict.id or "", outcome, views, more)


def _located(problem: Problem, locator: Locator | None, language: Language) -> ProblemView:
    return _view(problem.to_json(), language, quote=None if locator is None else locator.quote(problem))


def _group_view(body: Body, language: Language) -> ProblemView:
    """A group of a feed; one of the feed as a whole has no examples."""
    examples = [
        _example(example["id"], found[1], example.get("value", ""), language)
        for example in body.get("examples", ())
        if (found := _LINE.search(example["position"]))
    ]
    return _view(body, language, count=body.get("count", 1), examples=tuple(examples))


def _example(offer_id: str | None, line: str | int, value: object, language: Language) -> str:
    """``bretagne:12 (ligne 40) « valeur »``."""
    quoted = f" {_QUOTED[language].format(value)}" if value not in ("", None) else ""
    return f"{offer_id or '?'} ({'ligne' if language == 'fr' else 'line'}\u00a0{line}){quoted}"


_LINE = re.compile(r"\(l\. ([0-9]+)\)")
"""In the position of an item of a feed."""
_QUOTED: Mapping[Language, str] = {"fr": "«\u00a0{}\u00a0»", "en": "“{}”"}


def _view(
    body: Body,
    language: Language,
    *,
    quote: Quote | None = None,
    count: int = 1,
    examples: Sequence[str] = (),
) -> ProblemView:
    texts = {name: body[name][language] if name in body else "" for name in ("message", "consequence", "fix")}
    return ProblemView(
        "error" if body["severity"] == "error" else "warning",
        body["code"],
        body.get("requirement", ""),
        body.get("pointer", ""),
        texts["message"],
        texts["consequence"],
        texts["fix"],
        quote,
        count,
        examples,
    )


def _outcome(verdict: Verdict) -> Outcome:
    if not verdict.accepted:
        return "refused"
    return "warned" if verdict.problems else "accepted"


def _by_code(problems: Iterable[Problem]) -> Mapping[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.code, []).append(problem)
    return found


def _in_order(view: ProblemView) -> tuple[bool, int]:
    """Errors first, each in the order of the document."""
    return view.severity != "error", 0 if view.quote is None else view.quote.line
