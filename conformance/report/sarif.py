"""Report as SARIF 2.1.0, which code hosts display as analysis results."""

from typing import Any

import orjson

from conformance.report.document import Report, lines_of, repeat_command
from schemas.rulebook import Language

_LEVELS = {"fail": "error", "error": "error", "config-error": "error", "skip": "warning"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_sarif(report: Report, language: Language) -> bytes:
    """The report as JSON: a rule and a result for each case that failed, was skipped or is an error."""
    wrong = [result for result in report["results"] if result["outcome"] in _LEVELS]
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
    return orjson.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2)


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
        "level": _LEVELS[result["outcome"]],
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
