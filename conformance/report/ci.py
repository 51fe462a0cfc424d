"""Reports for build servers and code hosts: JUnit XML with one suite per family, and SARIF 2.1.0."""

from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import orjson

from conformance.report.document import Report, by_family, lines_of, repeat_command
from conformance.version import reference_address
from conformance.words import say
from schemas.requirements import sentences
from schemas.rulebook import Language

_ELEMENTS = {"fail": "failure", "error": "error", "config-error": "error", "skip": "error", "omit": "skipped"}


def write_junit(report: Report, language: Language) -> str:
    """The report as XML text."""
    name = f"passerelle-conformance {report['role']}"
    root = _element(None, "testsuites", name=name, **_counts(report["results"]), time=_seconds(report["milliseconds"]))
    for family, results in by_family(report).items():
        seconds = _seconds(sum(result["milliseconds"] for result in results))
        suite = _element(root, "testsuite", name=family, **_counts(results), timestamp=report["began"], time=seconds)
        known = _element(suite, "properties")
        for name in ("kit", "schema", "rules"):
            _element(known, "property", name=name, value=report["versions"][name])
        _element(known, "property", name="target", value=report["target"])
        for result in results:
            _add_case(suite, result, report, language)
    indent(root, "")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _element(parent: Element | None, tag: str, text: str = "", **attributes: str) -> Element:
    """An element within another one, or the first of all."""
    named = {name: _plain(value) for name, value in attributes.items()}
    element = Element(tag, named) if parent is None else SubElement(parent, tag, named)
    element.text = _plain(text) or None
    return element


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _kind(result: Any) -> str | None:
    """The element of a result; None for a pass."""
    return "skipped" if result.get("announced") else _ELEMENTS.get(result["outcome"])


def _counts(results: list[Any]) -> dict[str, str]:
    kinds = [_kind(result) for result in results]
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(results)), **{name: str(kinds.count(kind)) for name, kind in counted.items()}}


def _add_case(suite: Element, result: Any, report: Report, language: Language) -> None:
    """A test case: its id as name, so that build servers recognise it in each run, and its title in ``system-out``."""
    kind, title = _kind(result), result["title"][language]
    family, _, name = result["case"].partition("/")
    case = _element(suite, "testcase", classname=family, name=name, time=_seconds(result["milliseconds"]))
    if kind is not None:
        lines = lines_of(result, language)
        if result.get("findings"):
            lines += ["", result["mend"][language]]
        if "mend" in result:
            lines += [_sentence(each, language) for each in result["requirements"]]
            lines.append(repeat_command(report, result["case"]))
        typed = {} if kind == "skipped" else {"type": result["outcome"]}
        _element(case, kind, "\n".join(lines), message=title, **typed)
    _element(case, "system-out", f"{title} ({', '.join(result['requirements'])})")


def _sentence(requirement: str, language: Language) -> str:
    sentence = sentences().get(requirement)
    return requirement if sentence is None else say("at", location=requirement, text=sentence)[language] + "."


def _plain(value: str) -> str:
    """The text with characters outside XML 1.0 replaced by U+FFFD."""
    return "".join(sign if sign in "\n\t" or sign.isprintable() or sign == "\u00a0" else "\ufffd" for sign in value)


_SARIF_LEVELS = {"fail": "error", "error": "error", "config-error": "error", "skip": "warning"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_sarif(report: Report, language: Language) -> bytes:
    """The report as JSON: a rule and a result for each case that failed, was skipped or is an error."""
    wrong = [result for result in report["results"] if result["outcome"] in _SARIF_LEVELS]
    gateway = report.get("reference")
    driver = {
        "name": "passerelle-conformance",
        **({"informationUri": reference_address(gateway, language)} if gateway else {}),
        "semanticVersion": report["versions"]["kit"],
        "properties": dict(report["versions"]),
        "rules": [_rule(result, gateway, language) for result in wrong],
    }
    run = {
        "tool": {"driver": driver},
        "language": language,
        "invocations": [{"executionSuccessful": report["totals"]["error"] == 0, "startTimeUtc": report["began"]}],
        "results": [_result(number, result, report, language) for number, result in enumerate(wrong)],
    }
    return orjson.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2)


def _rule(result: Any, gateway: str | None, language: Language) -> dict[str, Any]:
    """A case as a rule: its title, why it exists with the protocol's sentences, its remedy, and where a gateway
    explains them. SARIF allows a rule without ``helpUri``: without a gateway there is none.
    """
    broken = [_sentence(each, language) for each in result["requirements"]]
    explained = "\n".join([f"→ {result['mend'][language]}", *broken])
    links = {each: reference_address(gateway, language, each) for each in result["requirements"]} if gateway else {}
    cited = [f"[{each}]({links[each]})" if each in links else each for each in result["requirements"]]
    return {
        "id": result["case"],
        "name": result["title"][language],
        "shortDescription": {"text": result["title"][language]},
        "fullDescription": {"text": result["explanation"][language]},
        "help": {"text": explained, "markdown": f"{result['mend'][language]}\n\n{', '.join(cited)}"},
        **({"helpUri": next(iter(links.values()))} if links else {}),
        "defaultConfiguration": {"level": _SARIF_LEVELS[result["outcome"]]},
        "properties": {"tags": result["requirements"]},
    }


def _result(number: int, result: Any, report: Report, language: Language) -> dict[str, Any]:
    body: dict[str, Any] = {
        "ruleId": result["case"],
        "ruleIndex": number,
        "level": _SARIF_LEVELS[result["outcome"]],
        "message": {"text": "\n".join([*lines_of(result, language), repeat_command(report, result["case"])])},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "conformance.toml"}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": result["case"], "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"case": result["case"]},
    }
    if result.get("announced"):
        body["suppressions"] = [{"kind": "external", "justification": result["reason"][language]}]
    return body
