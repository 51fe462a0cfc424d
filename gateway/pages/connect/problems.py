"""The problems of a sample in groups: each fault, its number, and its remedy on this page. Pure."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from gateway.pages.base.markup import coded
from gateway.pages.base.texts import Texts, texts_of
from gateway.pages.base.wording import label_of
from schemas import localized
from schemas.rulebook import Language

_LISTED = 3
_SENTENCE = re.compile(r"\S.*?[.!?](?=\s|$)|\S.+$")
_POINTER = re.compile(r"/mapping((?:/[a-z_0-9]+(?:\.[a-z_0-9]+)*)*)")
_KEYS = re.compile(r"/mapping/|`|\bprofile?\b")
_MEANINGS = frozenset(("sector-unknown", "sector-ambiguous", "value-unmapped", "level-unknown", "yes-no-unreadable"))
"""Codes of values whose meaning the page asks for."""
_DATES = frozenset(("date-unreadable", "weeks-unreadable", "week-unreadable"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRow:
    """One sentence, of one group of problems or several. ``links``: the fields whose controls are the remedy, each with
    the text of its link.
    """

    kind: str
    word: str
    sentence: str
    values: Sequence[str]
    remedies: Sequence[str]
    links: Mapping[str, str]
    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class _Known:
    """The labels of all fields, and which are missing, ask for meanings, or have a rule."""

    labels: Mapping[str, str]
    missing: frozenset[str]
    unexplained: AbstractSet[str]
    ruled: AbstractSet[str]


def rows_of(study: Mapping[str, Any], labels: Mapping[str, str], language: Language) -> Sequence[ProblemRow]:
    """The sentences, errors first, the most frequent first. Groups with the same sentence are one row: a missing object
    and a missing member of it ask for the same field.
    """
    texts = texts_of("connect", language)
    missing = frozenset(study["missing"])
    unexplained = {one["name"] for one in study["fields"] if one["meanings"]}
    ruled = {one["name"] for one in study["fields"] if one["ruled"]}
    rows: dict[tuple[str, str, str], ProblemRow] = {}
    for one in study["problems"]:
        row = _row(one, _Known(labels, missing, unexplained, ruled), texts, language)
        key = (row.kind, row.rule, row.sentence)
        rows[key] = _joined(rows[key], row) if key in rows else row
    return sorted(rows.values(), key=lambda row: (row.kind != "blocked", -row.count))


def _joined(one: ProblemRow, other: ProblemRow) -> ProblemRow:
    return replace(
        one,
        values=list(dict.fromkeys((*one.values, *other.values)))[:_LISTED],
        remedies=list(dict.fromkeys((*one.remedies, *other.remedies))),
        links={**one.links, **other.links},
        count=one.count + other.count,
    )


def _row(
    group: Mapping[str, Any],
    known: _Known,
    texts: Texts,
    language: Language,
) -> ProblemRow:
    body = localized(group, language)
    labels, missing = known.labels, known.missing
    name = _field(group["pointer"], labels, missing)
    error = body["severity"] == "error"
    code = body["code"]
    label = labels.get(name, "")
    sentence: str = with_labels(body["message"], labels, language)
    remedies, link = _without_profile(body["fix"]), ""
    if code == "field-missing" and name in missing:
        sentence, remedies = str(texts("sentence_missing", field=label)), []
        link = str(texts("remedy_choose", field=label))
    elif code in _MEANINGS and name in known.unexplained:
        remedies, link = [], str(texts("remedy_meaning", field=label))
    elif code in _DATES and label:
        remedies, link = [], str(texts("remedy_date", field=label))
    elif label:
        other = "remedy_path" if name in known.ruled else "remedy_choose"
        link = str(texts("remedy_row" if remedies else other, field=label))
    values = dict.fromkeys(str(one["value"]) for one in group.get("examples", ()) if "value" in one)
    return ProblemRow(
        kind="blocked" if error else "look",
        word=str(texts.error if error else texts.warning),
        sentence=sentence,
        values=list(values)[:_LISTED],
        remedies=remedies,
        links={name: link} if link else {},
        rule=body["requirement"],
        count=group["count"],
    )


def with_labels(sentence: str, labels: Mapping[str, str], language: Language) -> Markup:
    """The sentence with the names that this page gives to the rules of a profile, and its codes marked."""
    texts = texts_of("connect", language)

    def named(found: re.Match[str]) -> str:
        steps = found[1].split("/")[1:]
        name = steps[1] if steps[:1] == ["fields"] and len(steps) > 1 else "id" if steps == ["id"] else ""
        key = f"pointer_{'_'.join(steps)}"
        label = (labels.get(name) or label_in(name, language)) if name else texts(key if key in texts else "mapping")
        return f"«\u00a0{label}\u00a0»" if language == "fr" else f"“{label}”"

    return coded(_POINTER.sub(named, sentence))


def label_in(name: str, language: Language) -> str:
    """The label of a field of the offer."""
    texts, key = texts_of("connect", language), f"field_{name}"
    return label_of(name, language) or (str(texts(key)) if key in texts else name)


def _without_profile(fix: str) -> list[Markup]:
    """The sentences of a remedy that do not speak of keys of the profile, which this page writes itself."""
    sentences = _SENTENCE.findall(fix)
    text = coded(" ".join(one for one in sentences if not _KEYS.search(one)))
    return [text] if text else []


def _field(pointer: str, labels: Mapping[str, str], missing: frozenset[str]) -> str:
    """The field of a pointer in the offer or in the mapping; of an object that is missing, its first missing field."""
    name = pointer.removeprefix("/mapping/fields").removesuffix("/path").strip("/").replace("/", ".")
    while name and name not in labels:
        within = [one for one in labels if one.startswith(f"{name}.") and one in missing]
        if within:
            return within[0]
        name = name.rpartition(".")[0]
    return name
