"""The draft of a mapping: the sample whose items fit best, the guesses for it, and the mapping document."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

import orjson

from adapters.formats.inference.evidence import say
from adapters.formats.inference.guess import ORDER, REQUIRED, Guess, Option, corrected, examples_of, guess, options_of
from adapters.formats.inference.kinds import share
from adapters.formats.inference.names import LOCATION, holds_word, name_of, words
from adapters.formats.inference.sample import Container, Contents, read_contents, trim
from adapters.formats.inference.scores import within_check
from adapters.formats.inference.survey import PathValues, survey
from adapters.formats.item import Content
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.mapping_document import READY_MADE, merge
from adapters.formats.mojibake import LOST, TWICE
from adapters.formats.path import FIRST, Path, scalars, select, write_path
from adapters.formats.rule import MappingRule
from schemas import Problem
from schemas.bilingual import Bilingual

_RANKED_ITEMS = 12
_RANKING_DAY = date(2000, 1, 1)
_READY_MADE_SCORE = 0.95
_READY_MADE_PATHS = 5
_MAX_STATES = 6
_CLEVERCONNECT: tuple[tuple[Path, ...], ...] = (
    (("title",), ("position",)), (("description",),), (("company", "name"),), (("workplace", "locations", "location"),),
    (("link",),), (("@id",),),
)  # fmt: skip
"""Paths of CleverConnect, some with an alternative: with five of them, an XML feed is in that format."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The kept part of a sample: its form, the source members of a mapping, and its first items."""

    form: str
    source: Mapping[str, Any]
    items: tuple[Content, ...]
    cut: bool = False
    others: tuple[str, ...] = ()
    """The paths of other lists that could be the items."""
    page: str = ""
    """The sign that the sample is one page of several."""
    followed: bool = False
    """Whether it names the address of the next page."""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The sample of its members as JSON."""
        return cls(**{**document, "items": tuple(document["items"]), "others": tuple(document["others"])})


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """The draft of a mapping. ``guesses``: by field, in the order of the offer. ``paths``: every path of the items.
    ``states``: the values of each path that may say what is online; ``notes`` has a note on each of these first.
    """

    sample: Sample
    mapping: dict[str, Any]
    guesses: Mapping[str, Guess]
    paths: tuple[Option, ...]
    notes: tuple[Bilingual, ...] = ()
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """The format."""
        return self.sample.form

    @property
    def missing(self) -> tuple[str, ...]:
        """The required fields without a rule that nothing else gives."""
        empty = {name for name in REQUIRED if self.guesses[name].rule is None}
        located = {"location.postal_code", "location.city", "location.insee_commune"}
        if any(self.guesses[name].rule is not None for name in located):
            empty -= located
        return tuple(name for name in REQUIRED if name in empty)


def read_sample(blocks: Iterable[bytes], *, items: str | None = None) -> Sample:
    """The sample with the list of items whose fields are guessed best, or the one at the path ``items``.

    Raises UnusableFeedError for a sample without items.
    """
    contents = read_contents(blocks)
    named = [one for one in contents.containers if items is not None and one.source.get("items", "") == items]
    container = (named or [_best(contents)])[0]
    form, source, paging = contents.form, dict(container.source), contents.paging(container)
    if form == "xml" and _is_cleverconnect(container.items):
        form = "cleverconnect"
        if source.get("items") == "source/job":
            del source["items"]
    others = dict.fromkeys(one.source.get("items", "") for one in contents.containers if one is not container)
    page, followed = paging.evidence, bool(paging.next)
    return Sample(form, source, trim(container.items), contents.cut, tuple(others), page, followed)


def draft(sample: Sample, *, on: date, corrections: Mapping[str, Any] | None = None) -> MappingDraft:
    """The draft for a sample. ``corrections``: a path, a rule or None by field, which prevail over every guess."""
    surveyed = survey(sample.items)
    count = len(sample.items)
    given = {
        name: corrected(name, value, surveyed, count, on)
        for name, value in (corrections or {}).items()
        if name in ORDER
    }
    if sample.form in READY_MADE:
        given = {**_ready_made(sample, surveyed), **given}
    guesses = guess(surveyed, count, on, given=given)
    states = {write_path(one.path): tuple(one.distinct) for one in surveyed.values() if _is_state(one)}
    options = tuple(options_of(surveyed))
    return MappingDraft(sample, _mapping(sample, guesses), guesses, options, _notes(sample, states), states)


def with_rules(made: MappingDraft, rules: Mapping[str, Mapping[str, Any]]) -> MappingDraft:
    """The draft with other rules for some fields that have one; evidence and examples stay."""
    changed = {name: replace(made.guesses[name], rule=dict(rule), ready_made=False) for name, rule in rules.items()}
    guesses = {**made.guesses, **changed}
    return replace(made, guesses=guesses, mapping=_mapping(made.sample, guesses))


def with_conditions(made: MappingDraft, only: Mapping[str, Sequence[str]]) -> MappingDraft:
    """The draft whose items have one of these values at each of these paths; others are passed over."""
    if not only:
        return made
    base = merge(made.form, {}).get("only", [])
    conditions = [{"path": path, "in": list(values)} for path, values in only.items()]
    return replace(made, mapping={**made.mapping, "only": [*base, *conditions]})


def rehearse(made: MappingDraft) -> tuple[FeedMapping | tuple[Problem, ...], list[bytes]]:
    """The mapping of a draft for its kept items, and these as lines of JSON: what is needed to check the draft without
    the bytes of the sample. Texts of the items may be shorter than in the sample.
    """
    document = merge(made.form, made.mapping)
    source = {"source": {"lines": True}}
    return load_mapping("json", {**document, **source}), [orjson.dumps(one) + b"\n" for one in made.sample.items]


def _best(contents: Contents) -> Container:
    """The list of items with the highest scores of required fields; of equals the one nearest the root."""
    if len(contents.containers) == 1:
        return contents.containers[0]
    return max(contents.containers, key=_fitness)


def _fitness(one: Container) -> float:
    """The score of the guesses of required fields, less what the items would lose."""
    items = trim(one.items[:_RANKED_ITEMS])
    if not items:
        return -1.0
    found = guess(survey(items), len(items), _RANKING_DAY, fields=REQUIRED)
    lists = sum("#1" in known.path for known in found.values())
    depth = len(one.path) * (0.1 if one.lone else -0.05)  # of a lone object, the innermost that has the fields
    fit = sum(known.score for known in found.values()) - 0.3 * lists + depth
    return fit - (0.5 if one.lone else 0.0) + (0.2 if len(items) > 1 else 0.0)


def _is_cleverconnect(items: Iterable[Content]) -> bool:
    first = next(iter(items))
    return sum(any(select(first, path)[0] for path in paths) for paths in _CLEVERCONNECT) >= _READY_MADE_PATHS


def _ready_made(sample: Sample, surveyed: Mapping[Path, PathValues]) -> dict[str, Guess]:
    """The fields that the ready-made mapping of the format gives for this sample."""
    mapping = load_mapping(sample.form)
    if not isinstance(mapping, FeedMapping):
        raise TypeError(mapping)
    document = merge(sample.form, {})
    written: Mapping[str, Any] = {"id": document["id"], **document["fields"]}
    rules: dict[str, MappingRule] = {"id": mapping.id, **mapping.fields}
    found = {}
    for name, rule in rules.items():
        path = next((one for one in rule.paths if _occurs(sample.items, one)), None)
        if path is None:
            continue
        known = surveyed.get(tuple(part for part in path if part != FIRST))
        examples = examples_of((known,)) if known is not None else ()
        evidence = (say("evidence", "ready_made", form=sample.form),)
        score = _READY_MADE_SCORE if known is None else within_check(name, known, _READY_MADE_SCORE)
        found[name] = Guess(name, written[name], write_path(path), score, evidence, examples, ready_made=True)
    return found


def _occurs(items: Iterable[Content], path: Path) -> bool:
    return any(scalars(select(one, path)[0]) for one in items)


def _mapping(sample: Sample, guesses: Mapping[str, Guess]) -> dict[str, Any]:
    """The mapping document: of a ready-made format only what differs."""
    rules = {name: dict(one.rule) for name, one in guesses.items() if one.rule is not None and not one.ready_made}
    document: dict[str, Any] = {}
    if sample.source:
        document["source"] = dict(sample.source)
    if "id" in rules:
        document["id"] = {key: value for key, value in rules.pop("id").items() if key != "optional"}
    if rules or sample.form not in READY_MADE:
        document["fields"] = rules
    return document


def _is_state(one: PathValues) -> bool:
    """Whether a path may say what is online; a Region is no state, and no time of publication is."""
    few = 1 < len(one.distinct) <= _MAX_STATES and not one.listed and all(len(text) <= 100 for text in one.distinct)
    return (
        few
        and holds_word(words()["states"], one.path)
        and share(one, "area") < 0.5
        and share(one, "date") < 0.5
        and LOCATION not in name_of(one.path).contexts
    )


def _notes(sample: Sample, states: Mapping[str, tuple[str, ...]]) -> tuple[Bilingual, ...]:
    """Notes for a person beside the fields."""
    found = [say("notes", "states", path=path, values=", ".join(values)) for path, values in states.items()]
    if sample.page:
        found.append(say("notes", "page_followed" if sample.followed else "page", page=sample.page))
    if sample.source.get("encoding") == TWICE:
        found.append(say("notes", "twice", encoding=TWICE))
    if LOST in orjson.dumps(sample.items).decode():
        found.append(say("notes", "lost"))
    if sample.cut:
        found.append(say("notes", "cut"))
    if len(sample.items) == 1:
        found.append(say("notes", "few"))
    return tuple(found)
