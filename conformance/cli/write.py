"""Files of reports and evidence; a report's suffix selects its format."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson

from conformance.cli.console import ERR, UNUSABLE, stop
from conformance.report.document import Report
from conformance.report.html import write_html
from conformance.report.junit import write_junit
from conformance.report.sarif import write_sarif
from conformance.words import say
from schemas.rulebook import Language
from schemas.spoken import system_reason

FORMATS = ".json, .html, .xml (JUnit), .sarif"


def check_reports(paths: Sequence[Path], language: Language) -> None:
    """Exit with an error where a report could not be written; called before a run, whose results would be lost."""
    for path in paths:
        if path.suffix not in _WRITERS:
            text = say("no-report-form", path=path, ending=path.suffix)
            stop(text, say("report-form-step", forms=FORMATS), UNUSABLE, language)
        check_file(path, language)


def check_file(path: Path, language: Language) -> None:
    """Exit with an error where this file could not be written."""
    exists = path.exists()
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if exists else path.parent, os.W_OK):
        stop(say("unwritable", path=path), say("folder-step"), UNUSABLE, language)


def write_file(path: Path, content: bytes, language: Language) -> None:
    """Write the whole content, or exit with an error."""
    try:
        path.write_bytes(content)
    except OSError as error:
        text = say("unwritable-since", path=path, error=system_reason(error).texts)
        stop(text, say("folder-step"), UNUSABLE, language)


def write_reports(report: Report, paths: Sequence[Path], language: Language) -> None:
    """Write the report to each file, in the format of its suffix."""
    check_reports(paths, language)
    for path in paths:
        write_file(path, _WRITERS[path.suffix](report, language), language)
        ERR.print(f"→ {path}", markup=False)


_WRITERS: Mapping[str, Callable[[Report, Language], bytes]] = {
    ".json": lambda report, _: orjson.dumps(report, option=orjson.OPT_INDENT_2),
    ".html": lambda report, _: write_html(report).encode(),
    ".xml": lambda report, language: write_junit(report, language).encode(),
    ".sarif": write_sarif,
}
