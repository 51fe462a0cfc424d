"""Reports for build servers and code hosts: JUnit XML with one suite per family, and SARIF 2.1.0."""

from typing import Any
from xml.sax.saxutils import quoteattr

import orjson

from conformance.report.document import Report, by_family, lines_of, repeat_command
from schemas.rulebook import Language

_ELEMENTS = {"fail": "failure", "error": "error", "config-error": "error", "skip": "error", "omit": "skipped"}


def write_junit(report: Report, language: Language) -> str:
    """The report as XML text."""
    suites = "".join(_suite(family, results, report, language) for family, results in by_family(report).items())
    seconds = report["milliseconds"] / 1000
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites time="{seconds:.3f}">\n{suites}</testsuites>\n'


def _suite(family: str, results: list[Any], report: Report, language: Language) -> str:
    kinds = [_ELEMENTS.get(result["outcome"]) if not result.get("announced") else "skipped" for result in results]
    versions = report["versions"]
    head = (
        f'<testsuite name={_attribute(family)} tests="{len(results)}" failures="{kinds.count("failure")}" '
        f'errors="{kinds.count("error")}" skipped="{kinds.count("skipped")}" timestamp={_attribute(report["began"])}>\n'
        f"<properties>{_property('kit', versions['kit'])}{_property('schema', versions['schema'])}"
        f"{_property('rules', versions['rules'])}{_property('target', report['target'])}</properties>\n"
    )
    cases = "".join(_case(result, kind, report, language) for result, kind in zip(results, kinds, strict=True))
    return f"{head}{cases}</testsuite>\n"


def _case(result: Any, kind: str | None, report: Report, language: Language) -> str:
    family, _, name = result["case"].partition("/")
    head = (
        f'<testcase classname={_attribute(family)} name={_attribute(name)} time="{result["milliseconds"] / 1000:.3f}"'
    )
    if kind is None:
        return f"{head}/>\n"
    message = result["title"][language]
    lines = lines_of(result, language)
    if "mend" in result:
        lines += [result["mend"][language], ", ".join(result["requirements"]), repeat_command(report, result["case"])]
    return f"{head}><{kind} message={_attribute(message)}>{_text(chr(10).join(lines))}</{kind}></testcase>\n"


def _property(name: str, value: str) -> str:
    return f"<property name={_attribute(name)} value={_attribute(value)}/>"


def _attribute(value: str) -> str:
    return quoteattr(_plain(value))


def _text(value: str) -> str:
    return _plain(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(value: str) -> str:
    """The text with characters outside XML 1.0 replaced by U+FFFD."""
    return "".join(sign if sign in "\n\t" or sign.isprintable() or sign == "\u00a0" else "\ufffd" for sign in value)


_SARIF_LEVELS = {"fail": "error", "error": "error", "config-error": "error", "skip": "warning"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_sarif(report: Report, language: Language) -> bytes:
    """The report as JSON: a rule and a result for each case that failed, was skipped or is an error."""
    wrong = [result for result in report["results"] if result["outcome"] in _SARIF_LEVELS]
    driver = {
        "name": "passerelle-conformance",
        "semanticVersion": report["versions"]["kit"],
        "properties": dict(report["versions"]),
        "rules": [_rule(result, language) for result in wrong],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": report["totals"]["error"] == 0, "startTimeUtc": report["began"]}],
        "results": [_result(number, result, report, language) for number, result in enumerate(wrong)],
    }
    return orjson.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2)


def _rule(result: Any, language: Language) -> dict[str, Any]:
    return {
        "id": result["case"],
        "shortDescription": {"text": result["title"][language]},
        "fullDescription": {"text": result["explanation"][language]},
        "help": {"text": result["mend"][language]},
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
