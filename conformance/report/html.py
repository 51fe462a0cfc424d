"""Report as one HTML page in French and English: no script, no external resource, small at ten thousand results.

The page is in the language of the run; two radio buttons and the style sheet display the other one.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from conformance.model.cause import FAMILY
from conformance.model.result import Outcome
from conformance.report.document import Report, by_family, explain_command, repeat_command, text_of
from conformance.report.label import is_judged, label, label_of, seconds
from conformance.version import reference_address
from conformance.words import Texts, plain, say
from schemas.requirements import sentences
from schemas.rulebook import Language

_MAX_DETAILED = 200
"""Failed results with full details; further ones get one line each."""
_MAX_TITLED = 2_000
"""Results listed with their titles; beyond, the page would become too large, and the rest has ids only."""
_MAX_EXCHANGES = 6
_MAX_CHARACTERS = 1_500
"""Exchanges per failed result, the last ones, and characters of a body."""
_CODE = re.compile(r"`([^`]+)`")
_ORDER = ("config-error", "error", "fail", "skip", "announced", "pass", "omit")
_LANGUAGE_NAMES: Mapping[Language, str] = {"fr": "Français", "en": "English"}


def write_html(report: Report, language: Language = "fr") -> str:
    """The page as HTML text, displayed first in this language."""
    wrong = [result for result in report["results"] if _kind(result) not in {"pass", "omit"}]
    wrong.sort(key=lambda result: _ORDER.index(_kind(result)))
    detailed = wrong[:_MAX_DETAILED]
    return _template().render(
        report=report,
        language=language,
        totals=list(_totals(report)),
        facts=_facts(report),
        detailed=detailed,
        rest=wrong[_MAX_DETAILED:],
        titled=len(report["results"]) <= _MAX_TITLED,
        linked={result["case"] for result in detailed},
        families=by_family(report),
        cited=_cited(detailed),
        commands=lambda case: _commands(case, report),
    )


@cache
def _template() -> Template:
    texts = {name: files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ("page.html", "page.css")}
    environment = Environment(
        autoescape=True, loader=DictLoader(texts), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {
        "anchor": lambda case: f"case-{case.replace('/', '-')}",
        "both": _both,
        "exchanges": _exchanges,
        "heads": _heads,
        "is_cause": lambda case: case.startswith(f"{FAMILY}/"),
        "kind": _kind,
        "kind_text": _kind_text,
        "label": label,
        "languages": _LANGUAGE_NAMES,
        "reference_address": reference_address,
        "say": say,
        "sentences": sentences(),
        "text_of": text_of,
        "why": _why,
    }
    environment.filters["kind"] = _kind
    return environment.get_template("page.html")


def _kind(result: Any) -> str:
    return "announced" if result.get("announced") else str(result["outcome"])


def _both(texts: Texts, *, code: bool = True) -> Markup:
    """A text in both languages. ``code``: it is one of the kit, whose backticks mark code; others quote the target."""
    fr, en = (_coded(one) if code else escape(one) for one in (texts["fr"], texts["en"]))
    return fr if fr == en else Markup('<span lang="fr">{}</span><span lang="en">{}</span>').format(fr, en)


def _coded(text: str) -> Markup:
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(_CODE.split(text))
    )


def _kind_text(result: Any) -> Markup:
    kind = _kind(result)
    return _both(say("announced-one") if kind == "announced" else Outcome(kind).label)


def _totals(report: Report) -> Iterator[tuple[str, int, Texts]]:
    totals = {**report["totals"], "announced": report["announced"]}
    for kind in filter(totals.get, _ORDER):
        number = totals[kind]
        yield kind, number, say("announced-many") if kind == "announced" else label_of(Outcome(kind), number)


def _facts(report: Report) -> list[tuple[Texts, Texts]]:
    return [
        (say("the-target"), plain(report["target"])),
        (say("the-role"), label("roles", report["role"])),
        (say("the-profile"), label("profiles", report["profile"])),
        (say("the-beginning"), plain(report["began"].replace("T", " ").replace("Z", " UTC"))),
        (say("the-duration"), seconds(report["milliseconds"])),
        (say("the-versions"), say("versions", **report["versions"])),
        (say("the-seed"), plain(report["seed"])),
    ]


def _commands(case: str, report: Report) -> list[tuple[Texts, str]]:
    """The command that repeats the case, or judges the file again, and for a case the one that prints its steps."""
    if is_judged(case):
        return [(say("to-judge-again"), repeat_command(report, case))]
    return [(say("to-play-again"), repeat_command(report, case)), (say("to-reproduce"), explain_command(case))]


def _heads(case: str) -> Mapping[str, Texts]:
    """The parts of a finding with their heads, in the order of reading."""
    if is_judged(case):
        return {"place": say("the-location"), "actual": say("the-problem"), "expected": say("to-mend-it")}
    return {"place": say("the-location"), "expected": say("the-expected"), "actual": say("the-found")}


def _cited(results: list[Any]) -> Mapping[str, list[str]]:
    """The requirements that the findings link to, in the order of the protocol, each with its cases."""
    cases: dict[str, list[str]] = {}
    for result in results:
        for requirement in result["requirements"]:
            cases.setdefault(requirement, []).append(result["case"])
    return {each: cases[each] for each in sentences() if each in cases}


def _exchanges(result: Any) -> Iterator[tuple[str, str]]:
    for one in result["exchanges"][-_MAX_EXCHANGES:]:
        request = f"{one['method']} {one['url']}\n{_headers(one['headers'])}\n\n{_cut(one['body'])}"
        answer = f"{one['status']}\n{_headers(one['answer_headers'])}\n\n{_cut(one['answer'])}"
        yield request.strip(), answer.strip()


def _headers(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"


def _why(result: Any) -> Markup:
    """The outcome in words, and the reason of what is not required: it has no details of its own."""
    if _kind(result) != "omit" or "reason" not in result:
        return _kind_text(result)
    return _both(say("at", location=Outcome.OMIT.label, text=result["reason"]))
