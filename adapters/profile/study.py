"""A sample studied with the choices of a person, as one JSON document: fields, problems, offers. Pure.

opened = open_sample(blocks)                      # {"sample": …} or {"refused": problem}
study(opened["sample"], choices, on=day)          # what ``gateway/pages/connect`` displays
draft_of(opened["sample"], choices, on=day)       # the draft, of which ``profile_text`` writes the profile
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import schemas
from adapters.formats.inference.candidate import PAIR
from adapters.formats.inference.draft import MappingDraft, Sample, draft, read_sample, rehearse, with_conditions
from adapters.formats.inference.guess import ORDER, REQUIRED, Guess, Option, paths_of
from adapters.formats.inference.names import is_personal
from adapters.formats.inference.survey import survey
from adapters.formats.item import BrokenItem, FeedComplete, FeedUnusable, OfferItem, PassedItem, RepeatedItem, judge
from adapters.formats.mapping import FeedMapping
from adapters.formats.path import FIRST, parse_path, write_path
from adapters.formats.problem import ProblemGroups, UnusableFeedError
from adapters.formats.reading import read
from adapters.formats.sector import find_sectors
from adapters.formats.sector_evidence import nearest_sectors
from adapters.formats.text import one_line
from adapters.profile.choice import (
    DATED,
    FIXABLE,
    LISTS,
    MAX_MEANINGS,
    FieldChoice,
    convert,
    corrections_of,
    is_mappable,
    unreadable_values,
)
from adapters.profile.draft import PLACEHOLDER
from schemas import Problem
from schemas.offer_field import further_fields
from schemas.personal import redact
from schemas.registry import schema

_OFFERS = 3
ONLINE = "online"
"""The member of the choices that holds, by path, the values of offers that are online."""
_MAX_ERRORS = 3

Document = dict[str, Any]


def open_sample(blocks: Iterable[bytes], *, items: str | None = None) -> Document:
    """The sample as JSON, with the list of items at the path ``items``; or the problem of one that cannot be used."""
    try:
        return {"sample": asdict(read_sample(blocks, items=items))}
    except UnusableFeedError as error:
        return {"refused": error.problem.to_json()}


def study(
    sample: Mapping[str, Any],
    choices: Mapping[str, Any],
    *,
    on: date,
    activations: schemas.Activations = schemas.NOT_ACTIVATED,
) -> Document:
    """A study: the data by which a person judges and corrects the draft of a sample."""
    made, refused = _draft(sample, choices, on)
    tried = _Trial(made, on, activations)
    surveyed = {one.path: one.examples for one in made.paths}
    fields = [_field(made, one, choices.get(name, {}), refused.get(name)) for name, one in made.guesses.items()]
    used = {path for one in made.guesses.values() if one.rule is not None for path in one.path.split(PAIR)}
    return {
        "form": made.form,
        "items": len(made.sample.items),
        "path": made.sample.source.get("items", ""),
        "others": [other for other in made.sample.others if other],
        "fields": fields,
        "paths": [_option(one) for one in made.paths],
        "unused": [path for path in surveyed if path not in used],
        "missing": list(made.missing),
        "notes": [note.texts for note in made.notes[len(made.states) :]],
        "states": _states(made),
        **tried.to_json(),
    }


def draft_of(sample: Mapping[str, Any], choices: Mapping[str, Any], *, on: date) -> MappingDraft:
    """The draft of a sample with the choices of a person."""
    return _draft(sample, choices, on)[0]


def _draft(
    sample: Mapping[str, Any], choices: Mapping[str, Any], on: date
) -> tuple[MappingDraft, Mapping[str, Problem]]:
    """The draft, and the problem of each fixed value that cannot be used. Paths that the sample does not have are no
    choices.
    """
    known = Sample.from_json(sample)
    chosen = {name: FieldChoice.from_json(one) for name, one in choices.items() if name in ORDER}
    corrections, refused = corrections_of(chosen)
    made = draft(known, on=on, corrections=corrections)
    if strange := _strange(made, corrections):
        chosen = {name: one for name, one in chosen.items() if name not in strange}
        made = draft(known, on=on, corrections={k: v for k, v in corrections.items() if k not in strange})
    converted = convert(made, {name: one for name, one in chosen.items() if name not in refused})
    return with_conditions(converted, _conditions(made, choices.get(ONLINE, {}))), refused


def _conditions(made: MappingDraft, online: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The values of online offers by path, where some of the sample's values are not among them."""
    found = {}
    for path, values in made.states.items():
        kept = [one_line(value) for value in values if value in online.get(path, values)]
        if kept and len(kept) < len(values):
            found[path] = kept
    return found


def _states(made: MappingDraft) -> list[Document]:
    """The paths that may say what is online, with the values of online offers."""
    kept = {one["path"]: one["in"] for one in made.mapping.get("only", ()) if isinstance(one["path"], str)}
    found = []
    for path, values in made.states.items():
        lines = [one_line(value) for value in values]
        online = kept.get(path, lines)
        listed = [
            {"value": value, "text": redact(line)[:80], "kept": line in online}
            for value, line in zip(values, lines, strict=True)
        ]
        found.append({"path": path, "values": listed})
    return found


def _strange(made: MappingDraft, corrections: Mapping[str, Any]) -> frozenset[str]:
    """The fields with a path that the sample does not have."""
    paths = {one.path for one in made.paths}
    named = {name: paths_of(made.guesses[name].rule or {}) for name, one in corrections.items() if isinstance(one, str)}
    return frozenset(name for name, found in named.items() if not paths.issuperset(map(write_path, found)))


def _field(made: MappingDraft, one: Guess, choice: Mapping[str, Any], refused: Problem | None) -> Document:
    """A field of the offer with its path, evidence, options and settings."""
    name, rule = one.field, one.rule or {}
    dates = [part["date"] for part in (rule, *rule.get("join", {}).get("parts", ())) if "date" in part]
    return {
        "name": name,
        "required": name in REQUIRED,
        "ruled": one.rule is not None,
        "path": one.path,
        "fixed": choice.get("fixed", "") if one.path == "" and one.rule is not None else "",
        "fixable": LISTS.get(name, "text") if name in FIXABLE else "",
        "dated": name in DATED,
        "date": dates[0] if dates else "",
        "confidence": one.confidence,
        "chosen": bool(choice),
        "evidence": [piece.texts for piece in one.evidence],
        "reason": None if one.reason is None else one.reason.texts,
        "tied": list(one.tied),
        "examples": list(one.examples),
        "options": [_option(option) for option in one.options],
        "meanings": _meanings(made, name, one, choice.get("meanings", {})),
        "refused": None if refused is None else refused.to_json(),
    }


def _option(one: Option) -> Document:
    return {"path": one.path, "examples": list(one.examples)}


def _meanings(made: MappingDraft, name: str, one: Guess, given: Mapping[str, str]) -> list[Document]:
    """The values that the field cannot read, each with the meaning that was given, and the sectors
    that it may mean: those of a coarse NAF code, or those for which its words speak.
    """
    if not is_mappable(name, one):
        return []
    path = tuple(part for part in parse_path(one.path) if part != FIRST)
    known = survey(made.sample.items).get(path)
    values = [] if known is None or is_personal(path) else known.values
    found = []
    for value in unreadable_values(name, values)[:MAX_MEANINGS]:
        near = list(find_sectors(value) or nearest_sectors(value)) if name == "sector" else []
        found.append({"value": value, "text": redact(value)[:80], "code": given.get(value, ""), "near": near})
    return found


@dataclass(slots=True)
class _Outcome:
    """The outcome of one item."""

    state: str
    document: Mapping[str, Any]
    problems: Sequence[Problem]


class _Trial:
    """The offers of a draft's kept items, judged: their counts, problems in groups, and three of them."""

    def __init__(self, made: MappingDraft, on: date, activations: schemas.Activations) -> None:
        self._missing = frozenset(made.missing)
        self._outcomes: dict[int, _Outcome] = {}
        self._groups = ProblemGroups()
        self._passed = 0
        mapping, lines = _rehearsed(made)
        if not isinstance(mapping, FeedMapping):
            self._groups.add("", None, [one.to_json() for one in mapping])
            return
        for item in read(lines, mapping, platform=PLACEHOLDER, on=on):
            match item:
                case OfferItem():
                    self._judge(item, judge(item, revision=1, on=on, activations=activations))
                case BrokenItem():
                    self._retract(item)
                    self._refuse(item.position.index, {}, item.problems, str(item.position))
                case PassedItem():
                    self._passed += 1
                case RepeatedItem():
                    pass
                case FeedComplete():
                    self._groups.add("", None, [one.to_json() for one in item.problems])
                case FeedUnusable() if not self._is_only_undecided(item.problems):
                    self._groups.add("", None, [one.to_json() for one in item.problems])
                    self._outcomes = {n: replace(one, state="refused") for n, one in self._outcomes.items()}

    def to_json(self) -> Document:
        """Counts, problems and offers."""
        states = [one.state for one in self._outcomes.values()]
        kinds = ("published", "waiting", "refused")
        return {
            "counts": {**{kind: states.count(kind) for kind in kinds}, "passed": self._passed},
            "problems": [dict(one) for one in self._groups.to_json()],
            "offers": [self._sketch(index) for index in self._displayed()],
        }

    def _judge(self, item: OfferItem, verdict: schemas.Verdict) -> None:
        index = item.position.index
        if verdict.accepted and verdict.offer is not None and "id" not in self._missing:
            self._outcomes[index] = _Outcome("published", verdict.offer, verdict.problems)
            self._note(str(item.position), verdict.problems)
            return
        self._refuse(index, verdict.offer or item.document, verdict.problems, str(item.position))

    def _refuse(self, index: int, document: Mapping[str, Any], problems: Sequence[Problem], position: str) -> None:
        errors = [one for one in problems if one.severity == "error"]
        waits = all(one.code == "field-missing" and self._is_undecided(one.pointer) for one in errors)
        self._outcomes[index] = _Outcome("waiting" if waits else "refused", document, problems)
        self._note(position, problems)

    def _retract(self, item: BrokenItem) -> None:
        """Refuse the earlier item with the same id, if the item retracts one."""
        if item.retraction is None:
            return
        earlier = self._outcomes.get(item.retraction.position.index)
        if earlier is not None:
            earlier.state = "refused"
            earlier.problems = (*earlier.problems, item.retraction.problem)
        self._groups.add(str(item.retraction.position), item.id, [item.retraction.problem.to_json()])

    def _note(self, position: str, problems: Sequence[Problem]) -> None:
        self._groups.add(position, None, [one.to_json() for one in problems])

    def _is_only_undecided(self, problems: Sequence[Problem]) -> bool:
        """Whether a feed is unusable only because a ready-made mapping has paths for fields that are undecided."""
        names = [one.pointer.removeprefix("/mapping/fields/").partition("/")[0] for one in problems]
        errors = [name for name, one in zip(names, problems, strict=True) if one.severity == "error"]
        return bool(errors) and self._missing.issuperset(errors)

    def _is_undecided(self, pointer: str) -> bool:
        """Whether the missing member is a required field without a path, or an object with nothing but such."""
        name = pointer.strip("/").replace("/", ".")
        return name in self._missing or any(missing.startswith(f"{name}.") for missing in self._missing)

    def _displayed(self) -> list[int]:
        """Three items: the first two of the best state, and the one with most errors."""
        ranked = sorted(self._outcomes, key=lambda index: (_RANK[self._outcomes[index].state], index))
        worst = max(ranked, key=self._errors, default=None)
        if worst is None or not self._errors(worst) or len(ranked) <= _OFFERS:
            return ranked[:_OFFERS]
        best = [index for index in ranked if index != worst]
        return [*best[: _OFFERS - 1], worst]

    def _sketch(self, index: int) -> Document:
        """The displayed fields of an offer, as far as it could be read; texts without e-mail addresses and phone
        numbers.
        """
        one = self._outcomes[index]
        document = one.document
        employer, location = document.get("employer", {}), document.get("location", {})
        return {
            "number": index + 1,
            "state": one.state,
            "title": _clean(document.get("title")),
            "description": _clean(document.get("description")),
            "employer": _clean(employer.get("name")),
            "city": location.get("city"),
            "postal_code": location.get("postal_code"),
            "levels": list(document.get("levels", ())),
            "weeks": list(document.get("weeks", ())),
            "sector": document.get("sector"),
            "apply_url": _clean(document.get("apply_url")),
            "further": {
                name: _clean(value) if isinstance(value, str) else value
                for name in further_fields(schema("offer"))
                if name != "sector" and isinstance(value := document.get(name), str | int | float)
            },
            "waits": sorted(self._missing),
            "errors": [problem.to_json() for problem in self._faults(one)[:_MAX_ERRORS]],
        }

    def _faults(self, one: _Outcome) -> list[Problem]:
        """The errors that no choice of a path would mend."""
        errors = [problem for problem in one.problems if problem.severity == "error"]
        return [
            problem for problem in errors if problem.code != "field-missing" or not self._is_undecided(problem.pointer)
        ]

    def _errors(self, index: int) -> int:
        one = self._outcomes[index]
        return sum(problem.severity == "error" for problem in one.problems) + 2 * (one.state == "refused")


_RANK: Mapping[str, int] = {"published": 0, "waiting": 1, "refused": 2}


def _rehearsed(made: MappingDraft) -> tuple[FeedMapping | tuple[Problem, ...], list[bytes]]:
    """As ``rehearse``; without a path for the id, each item gets one, so that the other fields can be judged."""
    if "id" not in made.missing:
        return rehearse(made)
    items = tuple({**item, PLACEHOLDER: str(number)} for number, item in enumerate(made.sample.items))
    mapping = {**made.mapping, "id": {"path": PLACEHOLDER}}
    return rehearse(replace(made, mapping=mapping, sample=replace(made.sample, items=items)))


def _clean(text: Any) -> str | None:
    return redact(text) if isinstance(text, str) else None
