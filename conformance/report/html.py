"""Report as one HTML page in French and English: no script, no external resource, small at ten thousand results.

The page is in the language of the run; two radio buttons and the style sheet display the other one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from conformance.model.cause import FAMILY
from conformance.model.result import Outcome
from conformance.report.document import Report, by_family, explain_command, repeat_command, text_of
from conformance.report.label import family_label, is_judged, label_of, profile_label, role_label, seconds
from conformance.version import reference_address
from conformance.words import Texts, plain, say
from schemas.requirements import sentences
from schemas.rulebook import LANGUAGES, Language

_MAX_DETAILED = 200
"""Failed results with full details; further ones get one line each."""
_MAX_TITLED = 2_000
"""Results listed with their titles; beyond, the page would become too large, and the rest has ids only."""
_MAX_EXCHANGES = 6
_MAX_CHARACTERS = 1_500
"""Exchanges per failed result, and characters of a body."""
_CODE = re.compile(r"`([^`]+)`")
_ORDER = ("config-error", "error", "fail", "skip", "announced", "pass", "omit")
_LANGUAGE_NAMES: Mapping[Language, str] = {"fr": "Français", "en": "English"}


def write_html(report: Report, language: Language = "fr") -> str:
    """The page as HTML text, displayed first in this language."""
    wrong = [result for result in report["results"] if _kind(result) not in {"pass", "omit"}]
    wrong.sort(key=lambda result: _ORDER.index(_kind(result)))
    detailed = wrong[:_MAX_DETAILED]
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    verdict = ("conforms", say("conforms")) if report["conforms"] else ("not", say("conforms-not"))
    parts = [
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(say('report-title')[language])} · {escape(report['target'])}</title>",
        f"<style>{style}</style></head><body>",
        *(_language_button(one, checked=one == language) for one in LANGUAGES),
        f'<main><h1>{_texts(say("report-title"))}</h1><p class="verdict {verdict[0]}">{_texts(verdict[1])}</p>',
        _totals(report),
        _facts(report),
        f'<h2 id="to-correct">{_texts(say("to-mend"))}</h2>',
        *(_detail(result, report) for result in detailed),
        _rest(wrong[_MAX_DETAILED:]),
        "" if wrong else f"<p>{_texts(say('nothing-to-mend'))}</p>",
        f'<h2 id="cases">{_texts(say("all-cases"))}</h2>',
        *_families(report, {result["case"] for result in detailed}),
        _cited(detailed, report.get("reference")),
        "</main></body></html>\n",
    ]
    return "\n".join(filter(None, parts))


def _language_button(language: Language, *, checked: bool) -> str:
    """A radio button before ``main``, so that the style sheet can follow its state."""
    state = " checked" if checked else ""
    return (
        f'<input type="radio" name="language" id="{language}"{state}>'
        f'<label for="{language}" lang="{language}">{_LANGUAGE_NAMES[language]}</label>'
    )


def _kind(result: Any) -> str:
    return "announced" if result.get("announced") else str(result["outcome"])


def _plain(text: str) -> str:
    """A text of the kit, escaped, with backticks rendered as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _texts(texts: Texts, render: Callable[[str], str] = _plain) -> str:
    """A text in both languages; the style sheet displays one."""
    fr, en = render(texts["fr"]), render(texts["en"])
    return fr if fr == en else f'<span lang="fr">{fr}</span><span lang="en">{en}</span>'


def _kind_text(kind: str) -> str:
    return _texts(say("announced-one") if kind == "announced" else Outcome(kind).label)


def _many_text(kind: str, number: int) -> Texts:
    return say("announced-many") if kind == "announced" else label_of(Outcome(kind), number)


def _totals(report: Report) -> str:
    totals = {**report["totals"], "announced": report["announced"]}
    cells = "".join(
        f'<li class="{kind}"><b>{totals[kind]}</b> {_texts(_many_text(kind, totals[kind]))}</li>'
        for kind in _ORDER
        if totals.get(kind)
    )
    return f'<ul class="totals">{cells}</ul>'


def _facts(report: Report) -> str:
    facts = [
        (say("the-target"), plain(report["target"])),
        (say("the-role"), role_label(report["role"])),
        (say("the-profile"), profile_label(report["profile"])),
        (say("the-beginning"), plain(report["began"].replace("T", " ").replace("Z", " UTC"))),
        (say("the-duration"), seconds(report["milliseconds"])),
        (say("the-versions"), say("versions", **report["versions"])),
        (say("the-seed"), plain(report["seed"])),
    ]
    rows = "".join(f"<dt>{_texts(name)}</dt><dd>{_texts(text, escape)}</dd>" for name, text in facts if text["en"])
    return f'<dl class="facts">{rows}</dl>'


def _detail(result: Any, report: Report) -> str:
    kind = _kind(result)
    heads = _heads(judged=is_judged(result["case"]))
    parts = [
        f'<details class="{kind}" id="{_anchor(result["case"])}" open><summary><h3><span class="kind">',
        f"{_kind_text(kind)}</span> {_texts(result['title'])}</h3> <code>{escape(result['case'])}</code></summary>",
        f'<p class="reason">{_texts(result["reason"])}</p>' if "reason" in result else "",
        *(_finding(finding, heads) for finding in result["findings"]),
        f"<p><b>{_texts(say('to-mend-it'))}</b> {_texts(result['mend'])}</p>"
        if result["findings"] or result["case"].startswith(f"{FAMILY}/")
        else "",
        f"<p>{_texts(result['explanation'])}</p>",
        *(_sentence(each) for each in result["requirements"]),
        _commands(result["case"], report),
        _exchanges(result["exchanges"]),
        "</details>",
    ]
    return "".join(parts)


def _commands(case: str, report: Report) -> str:
    """The command that repeats the case, or judges the file again, and for a case the one that prints its steps."""
    commands = [(say("to-play-again"), repeat_command(report, case)), (say("to-reproduce"), explain_command(case))]
    if is_judged(case):
        commands = [(say("to-judge-again"), repeat_command(report, case))]
    return "".join(f"<p><b>{_texts(what)}</b> <code>{escape(command)}</code></p>" for what, command in commands)


def _heads(*, judged: bool) -> Mapping[str, Texts]:
    """The parts of a finding with their heads, in the order of reading."""
    if judged:
        return {"place": say("the-location"), "actual": say("the-problem"), "expected": say("to-mend-it")}
    return {"place": say("the-location"), "expected": say("the-expected"), "actual": say("the-found")}


def _finding(finding: Any, heads: Mapping[str, Texts]) -> str:
    """One finding. The expected value is a text of the kit; the others may quote the target."""
    cells = (
        f"<div><dt>{_texts(head)}</dt><dd>"
        f"{_texts(text_of(finding, name), _plain if name == 'expected' else escape)}</dd></div>"
        for name, head in heads.items()
    )
    return f'<dl class="finding">{"".join(cells)}</dl>'


def _sentence(requirement: str) -> str:
    """A requirement and its sentence; the id alone where this version of the kit does not know it."""
    if requirement not in sentences():
        return f'<p class="sentence"><b>{escape(requirement)}</b></p>'
    link = f'<a href="#{escape(requirement)}">{escape(requirement)}</a>'
    return f'<p class="sentence"><b>{link}</b> {_texts(sentences()[requirement])}.</p>'


def _cited(results: Iterable[Any], gateway: str | None) -> str:
    """The requirements that the findings link to, each with its sentence, its cases, and the gateway's reference page
    where one is known.
    """
    cases: dict[str, list[str]] = {}
    for result in results:
        for requirement in result["requirements"]:
            cases.setdefault(requirement, []).append(result["case"])
    known = [each for each in sentences() if each in cases]
    entries = "".join(
        f'<dt id="{each}">{each}</dt><dd>{_texts(sentences()[each])}. {_page_links(each, gateway)}<br>'
        f"{' '.join(map(_case_link, cases[each]))}</dd>"
        for each in known
    )
    head = f'<h2 id="protocol">{_texts(say("the-cited"))}</h2><p>{_texts(say("cited-normative"))}</p>'
    return f'{head}<dl class="cited">{entries}</dl>' if entries else ""


def _page_links(requirement: str, gateway: str | None) -> str:
    """The link to the page in each language; no text at all without a gateway."""
    if gateway is None:
        return ""
    addresses = {language: escape(reference_address(gateway, language, requirement)) for language in LANGUAGES}
    return "".join(
        f'<span lang="{language}"><a href="{address}" rel="noreferrer">{say("the-reference-page")[language]}</a></span>'
        for language, address in addresses.items()
    )


def _case_link(case: str) -> str:
    return f'<a href="#{_anchor(case)}"><code>{escape(case)}</code></a>'


def _anchor(case: str) -> str:
    return f"case-{escape(case.replace('/', '-'))}"


def _exchanges(exchanges: list[Any]) -> str:
    """The last exchanges only: the failed one is the last or near it."""
    if not exchanges:
        return ""
    rendered = "".join(map(_exchange, exchanges[-_MAX_EXCHANGES:]))
    return f"<details><summary>{_texts(say('the-exchanges'))} ({len(exchanges)})</summary>{rendered}</details>"


def _exchange(exchange: Any) -> str:
    request = f"{exchange['method']} {exchange['url']}\n{_headers(exchange['headers'])}\n\n{_cut(exchange['body'])}"
    answer = f"{exchange['status']}\n{_headers(exchange['answer_headers'])}\n\n{_cut(exchange['answer'])}"
    return f"<pre>{escape(request.strip())}</pre><pre>{escape(answer.strip())}</pre>"


def _headers(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"


def _rest(results: Iterable[Any]) -> str:
    lines = "".join(
        f'<li class="{_kind(result)}">{_texts(result["title"])} <code>{escape(result["case"])}</code></li>'
        for result in results
    )
    return f"<ul>{lines}</ul><p>{_texts(say('more-in-json'))}</p>" if lines else ""


def _families(report: Report, detailed: set[str]) -> Iterator[str]:
    titled = len(report["results"]) <= _MAX_TITLED
    for family, results in by_family(report).items():
        passed = sum(_kind(result) == "pass" for result in results)
        names = "".join(_listed(result, titled=titled, linked=result["case"] in detailed) for result in results)
        count = say("passed-of", passed=passed, all=len(results))
        yield (
            f"<details><summary>{_texts(family_label(family))} <small>{_texts(count)}</small></summary>"
            f'<ul class="names">{names}</ul></details>'
        )


def _why(result: Any) -> str:
    """The outcome in words, and the reason of what is not required: it has no details of its own."""
    kind = _kind(result)
    if kind != "omit" or "reason" not in result:
        return _kind_text(kind)
    return _texts(say("at", location=Outcome.OMIT.label, text=result["reason"]))


def _listed(result: Any, *, titled: bool, linked: bool) -> str:
    """A line of a family's list: the title, then the id; the outcome in words where it is not a pass."""
    kind = _kind(result)
    if not titled:
        return f'<li class="{kind}">{escape(result["case"].partition("/")[2])}'
    id_ = _case_link(result["case"]) if linked else f"<code>{escape(result['case'])}</code>"
    outcome = "" if kind == "pass" else f" <small>({_why(result)})</small>"
    return f'<li class="{kind}">{_texts(result["title"])}{outcome} {id_}'
