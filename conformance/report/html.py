"""Report as one HTML page in French and English: no script, no external resource, small at ten thousand results."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from conformance.model.library import sentences
from conformance.model.result import Outcome
from conformance.report.document import Report, by_family, repeat_command, text_of
from conformance.words import Texts, both, plain, say

_MOST_DETAILED = 200
"""Failed results with full details; further ones get one line each."""
_MOST_EXCHANGES = 6
_MOST_CHARACTERS = 1_500
"""Exchanges per failed result, and characters of a body."""
_CODE = re.compile(r"`([^`]+)`")
_ORDER = ("config-error", "error", "fail", "skip", "announced", "pass", "omit")


def write_html(report: Report) -> str:
    """The page as HTML text."""
    wrong = [result for result in report["results"] if _kind(result) not in {"pass", "omit"}]
    wrong.sort(key=lambda result: _ORDER.index(_kind(result)))
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    verdict = ("conforms", say("conforms")) if report["conforms"] else ("not", say("conforms-not"))
    title = f"{both(say('report-title'))} · {report['target']}"
    parts = [
        '<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{style}</style></head><body>",
        '<input type="radio" name="language" id="fr" checked><label for="fr">Français</label>',
        '<input type="radio" name="language" id="en"><label for="en">English</label><main>',
        f'<h1>{_texts(say("report-title"))}</h1><p class="verdict {verdict[0]}">{_texts(verdict[1])}</p>',
        _totals(report),
        _facts(report),
        f"<h2>{_texts(say('to-mend'))}</h2>",
        *(_detail(result, report) for result in wrong[:_MOST_DETAILED]),
        _rest(wrong[_MOST_DETAILED:]),
        "" if wrong else f"<p>{_texts(say('nothing-to-mend'))}</p>",
        f"<h2>{_texts(say('all-cases'))}</h2>",
        *_families(report),
        "</main></body></html>\n",
    ]
    return "\n".join(filter(None, parts))


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


def _totals(report: Report) -> str:
    totals = {**report["totals"], "announced": report["announced"]}
    cells = "".join(
        f'<li class="{kind}"><b>{totals[kind]}</b> {_kind_text(kind)}</li>' for kind in _ORDER if totals.get(kind)
    )
    return f'<ul class="totals">{cells}</ul>'


def _facts(report: Report) -> str:
    facts = [
        (say("the-target"), plain(report["target"])),
        (say("the-role"), plain(report["role"])),
        (say("the-profile"), plain(report["profile"])),
        (say("the-beginning"), plain(report["began"])),
        (say("the-duration"), plain(f"{report['milliseconds'] / 1000:.1f} s")),
        (say("the-versions"), say("versions", **report["versions"])),
        (say("the-seed"), plain(report["seed"])),
    ]
    rows = "".join(f"<dt>{_texts(name)}</dt><dd>{_texts(text, escape)}</dd>" for name, text in facts if text["en"])
    return f'<dl class="facts">{rows}</dl>'


def _detail(result: Any, report: Report) -> str:
    kind = _kind(result)
    findings = "".join(map(_finding, result["findings"]))
    head = "".join(f"<th>{_texts(text)}</th>" for text in (say("the-location"), say("the-expected"), say("the-found")))
    parts = [
        f'<details class="{kind}" open><summary><span class="kind">{_kind_text(kind)}</span> ',
        f"{_texts(result['title'])} <code>{escape(result['case'])}</code> ",
        f"<small>{escape(', '.join(result['requirements']))}</small></summary>",
        *(
            f'<p class="sentence"><b>{escape(each)}</b> {_texts(_sentence(each))}</p>'
            for each in result["requirements"]
        ),
        f"<p>{_texts(result['explanation'])}</p>",
        f'<p class="reason">{_texts(result["reason"])}</p>' if "reason" in result else "",
        f"<table><tr>{head}</tr>{findings}</table>" if findings else "",
        f"<p><b>{_texts(say('to-mend-it'))}</b> {_texts(result['mend'])}</p>",
        f"<p><b>{_texts(say('to-play-again'))}</b> <code>{escape(repeat_command(report, result['case']))}</code></p>",
        _exchanges(result["exchanges"]),
        "</details>",
    ]
    return "".join(parts)


def _finding(finding: Any) -> str:
    """A row. The expected value is a text of the kit; the others may quote the target."""
    columns: Mapping[str, Callable[[str], str]] = {"place": escape, "expected": _plain, "actual": escape}
    cells = (f"<td>{_texts(text_of(finding, name), render)}</td>" for name, render in columns.items())
    return f"<tr>{''.join(cells)}</tr>"


def _sentence(requirement: str) -> Texts:
    """The protocol's sentence; empty for a requirement unknown to this version of the kit."""
    return sentences().get(requirement, plain(""))


def _exchanges(exchanges: list[Any]) -> str:
    """The last exchanges only: the failed one is the last or near it."""
    if not exchanges:
        return ""
    rendered = "".join(map(_exchange, exchanges[-_MOST_EXCHANGES:]))
    return f"<details><summary>{_texts(say('the-exchanges'))} ({len(exchanges)})</summary>{rendered}</details>"


def _exchange(exchange: Any) -> str:
    request = f"{exchange['method']} {exchange['url']}\n{_headers(exchange['headers'])}\n\n{_cut(exchange['body'])}"
    answer = f"{exchange['status']}\n{_headers(exchange['answer_headers'])}\n\n{_cut(exchange['answer'])}"
    return f"<pre>{escape(request.strip())}</pre><pre>{escape(answer.strip())}</pre>"


def _headers(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


def _rest(results: Iterable[Any]) -> str:
    lines = "".join(
        f'<li class="{_kind(result)}"><code>{escape(result["case"])}</code> {_texts(result["title"])}</li>'
        for result in results
    )
    return f"<ul>{lines}</ul><p>{_texts(say('more-in-json'))}</p>" if lines else ""


def _families(report: Report) -> Iterator[str]:
    for family, results in by_family(report).items():
        passed = sum(_kind(result) == "pass" for result in results)
        # Names only: ten thousand titles in two languages would make the page too large.
        names = " ".join(
            f'<i class="{_kind(result)}">{escape(result["case"].partition("/")[2])}</i>' for result in results
        )
        yield (
            f"<details><summary>{escape(family)} <small>{passed}/{len(results)}</small></summary>"
            f'<p class="names">{names}</p></details>'
        )
