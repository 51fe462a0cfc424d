"""View model of a study (``adapters/profile/study.py``): groups of fields, offers, problems. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from gateway.pages.base.texts import Texts, texts_of
from gateway.pages.base.wording import names_of
from gateway.pages.connect.form import PAIR
from gateway.pages.connect.offers import sketch_of
from gateway.pages.connect.problems import label_in, rows_of, with_labels
from schemas.closed_list import closed_list
from schemas.communes import plain_name
from schemas.rulebook import Language

Option = tuple[str, str]
"""Value and label of an option."""
Study = Mapping[str, Any]
Row = Mapping[str, Any]
"""A row of the mapping, and its further controls, as ``controls.html`` has them."""

_GROUPS = ("choose", "verify", "chosen", "sure", "empty")
PATTERNS = ("DD/MM/YYYY", "MM/DD/YYYY", "YYYYMMDD", "DDMMYYYY", "MM-DD-YYYY", "YYYYMMDDTHHmmss")
_MAX_EXAMPLES, _MAX_LONG, _SHORT = 3, 2, 48
_MAX_WRONG = 120
_MEANING_CONTROLS = 70
"""Most controls for meanings of values; a sector has two. A form has at most 200 controls."""
_LEVELS = (
    *closed_list("levels")[::-1],
    *("troisieme+seconde", "quatrieme+troisieme", "quatrieme+troisieme+seconde"),
)


def controls_of(study: Study) -> dict[str, dict[str, Any]]:
    """The controls of each field, as ``choices_of`` compares it with the form."""
    budget = _MeaningBudget()
    return {
        one["name"]: {
            "path": one["path"],
            "date": one["date"],
            "several": one["name"] == "levels",
            "meanings": [meaning["value"] for meaning in budget.take(one)],
        }
        for one in study["fields"]
    }


def states_of(study: Study) -> dict[str, list[str]]:
    """The values by path of which the form asks whether they are online."""
    return {one["path"]: [found["value"] for found in one["values"]] for one in study["states"]}


def unknown_paths(study: Study, choices: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The chosen paths that the sample does not have, by field."""
    known = {one["path"] for one in study["paths"]}
    chosen = {name: choice.get("path", "") for name, choice in choices.items()}
    return {name: path for name, path in chosen.items() if path and not known.issuperset(path.split(PAIR))}


def describe(study: Study, language: Language, unknown: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The values of the template; ``groups``: the fields by degree of confidence; ``unknown``: as ``unknown_paths``."""
    texts = texts_of("connect", language)
    budget = _MeaningBudget()
    rows = {one["name"]: (group_of(one, study), _row(one, budget, texts, language)) for one in study["fields"]}
    for name, path in (unknown or {}).items():
        rows[name] = ("choose", {**rows[name][1], "wrong": path[:_MAX_WRONG]})
    groups = {name: [row for group, row in rows.values() if group == name] for name in _GROUPS}
    labels = {name: row["label"] for name, (_, row) in rows.items()}
    return {
        "read": _read(study, groups, texts),
        "groups": groups,
        "paths": [one["path"] for one in study["paths"]],
        "sectors": [label for _, label in _sectors(language)] if _asks_sectors(rows.values()) else [],
        "patterns": [(pattern, texts(f"pattern_{pattern}")) for pattern in PATTERNS],
        "unused": study["unused"],
        "others": study["others"],
        "states": study["states"],
        "notes": [with_labels(note[language], labels, language) for note in study["notes"]],
        "offers": [sketch_of(one, labels, language) for one in study["offers"]],
        "problems": rows_of(study, labels, language),
        "counts": study["counts"],
        "total": study["items"],
        "missing": [labels[name] for name in study["missing"]],
    }


def group_of(one: Mapping[str, Any], study: Study) -> str:
    """``choose``: a person must, or may, choose a path; ``verify``; ``chosen`` by a person; ``sure``; ``empty``:
    optional, no path.
    """
    if one["ruled"]:
        open_meanings = any(not meaning["code"] for meaning in one["meanings"])
        if open_meanings:
            return "verify"
        return "chosen" if one["chosen"] else "sure" if one["confidence"] == "certain" else "verify"
    open_choice = one["name"] in study["missing"] or (one["tied"] and not one["chosen"]) or one["refused"]
    return "choose" if open_choice else "empty"


def _asks_sectors(rows: Iterable[tuple[str, Row]]) -> bool:
    """Whether the meaning of some value may be any sector."""
    return any(row["name"] == "sector" and row["settings"] and row["settings"]["meanings"] for _, row in rows)


class _MeaningBudget:
    """Counts the controls of the meanings that are asked for, field by field."""

    def __init__(self) -> None:
        self._left = _MEANING_CONTROLS

    def take(self, one: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        each = 2 if one["name"] == "sector" else 1
        taken: Sequence[Mapping[str, Any]] = one["meanings"][: self._left // each]
        self._left -= each * len(taken)
        return taken


def _read(study: Study, groups: Mapping[str, Sequence[Row]], texts: Texts) -> Mapping[str, Any]:
    """The first sentences: what was read, and what waits for a choice."""
    return {
        "form": texts(f"form_{study['form']}"),
        "count": study["items"],
        "path": study["path"],
        "sure": len(groups["sure"]),
        "verify": len(groups["verify"]),
        "choose": len(groups["choose"]),
        "meanings": sum(
            not meaning["code"] for one in study["fields"] if one["required"] for meaning in one["meanings"]
        ),
    }


def _row(one: Mapping[str, Any], budget: _MeaningBudget, texts: Texts, language: Language) -> Row:
    """A field of the offer: its path among the options, examples, confidence and evidence, and its further controls."""
    kind, word = _state(one, texts)
    return {
        "name": one["name"],
        "label": label_in(one["name"], language),
        "path": one["path"],
        "proposed": _proposed(one),
        "auto": one["chosen"],
        "wrong": "",
        "examples": _examples(one),
        "kind": kind,
        "word": word,
        "evidence": _evidence(one, texts, language),
        "settings": _settings(one, budget, texts, language),
    }


def _proposed(one: Mapping[str, Any]) -> Sequence[str]:
    """The paths that fit best, the present one among them."""
    found = [one["path"], *one["tied"], *(option["path"] for option in one["options"])]
    return list(dict.fromkeys(filter(None, found)))


def _state(one: Mapping[str, Any], texts: Texts) -> tuple[str, str]:
    if not one["ruled"]:
        return ("none", str(texts.to_choose)) if one["required"] or one["tied"] else ("none", str(texts.no_path))
    if any(not meaning["code"] for meaning in one["meanings"]):
        return "look", str(texts.to_explain)
    if one["chosen"]:
        return "fine", str(texts.chosen)
    if one["confidence"] == "certain":
        return "fine", str(texts.certain)
    return "look", str(texts("likely" if one["confidence"] == "likely" else "to_verify"))


def _examples(one: Mapping[str, Any]) -> Sequence[str]:
    """The values at the path; of a field to choose, one value of each path that could give it."""
    if one["ruled"]:
        values = [value.replace(PAIR, " – ") if PAIR in one["path"] else value for value in one["examples"]]
        return values if all(len(value) <= _SHORT for value in values) else values[:_MAX_LONG]
    tied = one["tied"] or [option["path"] for option in one["options"][:_MAX_EXAMPLES]]
    known = {option["path"]: option["examples"] for option in one["options"]}
    return [f"{path}\u00a0: {known[path][0]}" for path in tied[:_MAX_EXAMPLES] if known.get(path)]


def _evidence(one: Mapping[str, Any], texts: Texts, language: Language) -> str:
    if one["fixed"]:
        return str(texts.fixed_for_all)
    if not one["ruled"] and one["reason"] is not None:
        return with_labels(one["reason"][language], {}, language)
    return with_labels(", ".join(text[language] for text in one["evidence"]), {}, language)


def _settings(one: Mapping[str, Any], budget: _MeaningBudget, texts: Texts, language: Language) -> Row | None:
    """The further controls of a field: last day, dates, meanings with the likeliest ones (``near``), a fixed value."""
    name = one["name"]
    meant = list(_meant(name, texts, language))
    labels = dict(meant)
    meanings = [
        {
            "value": found["text"],
            "code": found["code"],
            "near": [(code, labels[code]) for code in dict.fromkeys((*found["near"], found["code"])) if code in labels],
        }
        for found in budget.take(one)
    ]
    dated = one["dated"] and one["ruled"] and not one["fixed"]
    if not (dated or meanings or one["fixable"]):
        return None
    fixed = one["fixed"] if isinstance(one["fixed"], list) else [one["fixed"]]
    error = "" if one["refused"] is None else with_labels(one["refused"]["message"][language], {}, language)
    return {
        "last": name == "weeks" and PAIR not in one["path"],
        "dated": dated,
        "date": one["date"],
        "meanings": meanings,
        "meant": meant,
        "fixable": one["fixable"],
        "fixed": [value for value in fixed if value],
        "options": list(_fixed_options(one["fixable"], texts, language)),
        "error": error,
        "open": bool(meanings or error or any(fixed)) or (one["required"] and not one["ruled"]),
    }


def _meant(name: str, texts: Texts, language: Language) -> Iterator[Option]:
    """The possible meanings of a value of a field."""
    match name:
        case "sector":
            yield from _sectors(language)
        case "levels":
            yield from ((code, str(texts(f"level_{code}"))) for code in _LEVELS)
        case "accessibility":
            yield from _fixed_options("accessibility", texts, language)
        case _:
            yield from _fixed_options("yes_no", texts, language)


def _fixed_options(kind: str, texts: Texts, language: Language) -> Iterator[Option]:
    match kind:
        case "sectors":
            yield from _sectors(language)
        case "levels":
            yield from ((code, str(texts(f"level_{code}"))) for code in closed_list("levels")[::-1])
        case "school":
            yield "school", str(texts.school_weeks)
        case "accessibility":
            yield from ((code, str(texts(f"choice_{code}"))) for code in closed_list("accessibility"))
        case "yes_no":
            yield from ((code, str(texts(f"choice_{code}"))) for code in ("yes", "no"))


@cache
def _sectors(language: Language) -> Sequence[Option]:
    return sorted(names_of("sectors", language).items(), key=lambda one: plain_name(one[1]))
