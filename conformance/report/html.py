"""The report as one HTML page in French and English: no script, nothing fetched, small at ten thousand results."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from conformance.model.coverage import sentences
from conformance.report.document import Report, again

_MOST_DETAILED = 200
"""Beyond so many results that did not pass, the others are told in one line each."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Rapport de conformité", "Conformance report"),
    "conforms": ("Conforme : tout ce qui devait être vérifié l’a été.", "Conforms: all that had to be verified was."),
    "not": ("Non conforme, ou pas entièrement vérifié.", "Does not conform, or was not verified in full."),
    "pass": ("réussi", "passed"),
    "fail": ("échoué", "failed"),
    "skip": ("non vérifié", "not verified"),
    "omit": ("sans objet", "not needed"),
    "error": ("erreur du kit", "error of the kit"),
    "config-error": ("mise en place", "set-up"),
    "announced": ("échec annoncé", "announced failure"),
    "target": ("Cible", "Target"),
    "role": ("Rôle", "Role"),
    "profile": ("Profil", "Profile"),
    "when": ("Début", "Began"),
    "duration": ("Durée", "Duration"),
    "versions": ("Versions", "Versions"),
    "seed": ("Graine", "Seed"),
    "wrong": ("À corriger", "To be mended"),
    "all": ("Tous les cas, par famille", "All cases, by family"),
    "where": ("Où", "Where"),
    "expected": ("Attendu", "Expected"),
    "actual": ("Trouvé", "Found"),
    "mend": ("Pour corriger", "To mend it"),
    "again": ("Rejouer ce cas seul", "Play this case alone"),
    "exchanges": ("Requêtes et réponses", "Requests and answers"),
    "more": ("et d’autres, dans le rapport JSON", "and others, in the JSON report"),
    "nothing": ("Rien à corriger.", "Nothing to mend."),
}
_ORDER = ("config-error", "error", "fail", "skip", "announced", "pass", "omit")


def write_html(report: Report) -> str:
    """The page."""
    wrong = [result for result in report["results"] if _kind(result) not in {"pass", "omit"}]
    wrong.sort(key=lambda result: _ORDER.index(_kind(result)))
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    verdict = "conforms" if report["conforms"] else "not"
    parts = [
        '<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(_WORDS['title'][0])} · {escape(report['target'])}</title><style>{style}</style></head><body>",
        '<input type="radio" name="language" id="fr" checked><label for="fr">Français</label>',
        '<input type="radio" name="language" id="en"><label for="en">English</label><main>',
        f'<h1>{_word("title")}</h1><p class="verdict {verdict}">{_word(verdict)}</p>',
        _totals(report),
        _facts(report),
        f"<h2>{_word('wrong')}</h2>",
        *(_detail(result, report) for result in wrong[:_MOST_DETAILED]),
        _rest(wrong[_MOST_DETAILED:]),
        "" if wrong else f"<p>{_word('nothing')}</p>",
        f"<h2>{_word('all')}</h2>",
        *_families(report),
        "</main></body></html>\n",
    ]
    return "\n".join(filter(None, parts))


def _kind(result: Any) -> str:
    return "announced" if result.get("announced") else str(result["outcome"])


def _both(fr: str, en: str) -> str:
    """A text in both languages, of which the style shows one."""
    if fr == en:
        return _plain(fr)
    return f'<span lang="fr">{_plain(fr)}</span><span lang="en">{_plain(en)}</span>'


def _plain(text: str) -> str:
    """A text of our own, in which backticks stand about what is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


_CODE = re.compile(r"`([^`]+)`")


def _word(name: str) -> str:
    return _both(*_WORDS[name])


def _texts(texts: Mapping[str, str]) -> str:
    return _both(texts["fr"], texts["en"])


def _totals(report: Report) -> str:
    totals = {**report["totals"], "announced": report["announced"]}
    cells = "".join(
        f'<li class="{kind}"><b>{totals[kind]}</b> {_word(kind)}</li>' for kind in _ORDER if totals.get(kind)
    )
    return f'<ul class="totals">{cells}</ul>'


def _facts(report: Report) -> str:
    versions = " · ".join(f"{name} {version}" for name, version in report["versions"].items())
    facts = {
        "target": report["target"],
        "role": report["role"],
        "profile": report["profile"],
        "when": report["began"],
        "duration": f"{report['milliseconds'] / 1000:.1f} s",
        "versions": versions,
        "seed": report["seed"],
    }
    rows = "".join(f"<dt>{_word(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items() if value)
    return f'<dl class="facts">{rows}</dl>'


def _detail(result: Any, report: Report) -> str:
    kind = _kind(result)
    findings = "".join(
        f"<tr><td>{escape(each['place'])}</td><td>{_plain(each['expected'])}</td><td>{escape(each['actual'])}</td></tr>"
        for each in result["findings"]
    )
    head = f"<tr><th>{_word('where')}</th><th>{_word('expected')}</th><th>{_word('actual')}</th></tr>"
    parts = [
        f'<details class="{kind}" open><summary><span class="kind">{_word(kind)}</span> ',
        f"{_texts(result['title'])} <code>{escape(result['case'])}</code> ",
        f"<small>{escape(', '.join(result['requirements']))}</small></summary>",
        *(
            f'<p class="sentence"><b>{escape(each)}</b> {_plain(_sentence(each))}</p>'
            for each in result["requirements"]
        ),
        f"<p>{_texts(result['explanation'])}</p>",
        f'<p class="reason">{_texts(result["reason"])}</p>' if "reason" in result else "",
        f"<table>{head}{findings}</table>" if findings else "",
        f"<p><b>{_word('mend')}</b> {_texts(result['mend'])}</p>",
        f"<p><b>{_word('again')}</b> <code>{escape(again(report, result['case']))}</code></p>",
        _exchanges(result["exchanges"]),
        "</details>",
    ]
    return "".join(parts)


def _sentence(requirement: str) -> str:
    """The protocol's own words, where this version of the kit has them."""
    return sentences().get(requirement, "")


def _exchanges(exchanges: list[Any]) -> str:
    """The last ones only: the one that was wrong is the last or near it."""
    if not exchanges:
        return ""
    shown = "".join(map(_exchange, exchanges[-_EXCHANGES:]))
    return f"<details><summary>{_word('exchanges')} ({len(exchanges)})</summary>{shown}</details>"


_EXCHANGES = 6
_CHARACTERS = 1_500


def _exchange(exchange: Any) -> str:
    request = f"{exchange['method']} {exchange['url']}\n{_headers(exchange['headers'])}\n\n{_cut(exchange['body'])}"
    answer = f"{exchange['status']}\n{_headers(exchange['answer_headers'])}\n\n{_cut(exchange['answer'])}"
    return f"<pre>{escape(request.strip())}</pre><pre>{escape(answer.strip())}</pre>"


def _headers(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _cut(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + "…"


def _rest(results: Iterable[Any]) -> str:
    lines = "".join(
        f'<li class="{_kind(result)}"><code>{escape(result["case"])}</code> {_texts(result["title"])}</li>'
        for result in results
    )
    return f"<ul>{lines}</ul><p>{_word('more')}</p>" if lines else ""


def _families(report: Report) -> Iterator[str]:
    families: dict[str, list[Any]] = defaultdict(list)
    for result in report["results"]:
        families[result["case"].partition("/")[0]].append(result)
    for family, results in families.items():
        passed = sum(_kind(result) == "pass" for result in results)
        # Names alone: in two languages each, ten thousand titles would make the page heavy.
        names = " ".join(
            f'<i class="{_kind(result)}">{escape(result["case"].partition("/")[2])}</i>' for result in results
        )
        yield (
            f"<details><summary>{escape(family)} <small>{passed}/{len(results)}</small></summary>"
            f'<p class="names">{names}</p></details>'
        )
