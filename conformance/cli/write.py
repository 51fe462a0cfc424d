"""Writing reports to files: the ending of a name says in which form."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson

from conformance.cli.console import ERR, UNUSABLE, stop
from conformance.report.document import Report
from conformance.report.html import write_html
from conformance.report.junit import write_junit
from conformance.report.sarif import write_sarif
from schemas.rulebook import Language

FORMATS = ".json, .html, .xml (JUnit), .sarif"


def write_reports(report: Report, paths: Sequence[Path], language: Language) -> None:
    """Write the report into each file."""
    for path in paths:
        writer = _WRITERS.get(path.suffix)
        if writer is None:
            stop(f"{path}: no report is called {path.suffix!r}.", f"end the name in one of {FORMATS}", UNUSABLE)
        try:
            path.write_bytes(writer(report, language))
        except OSError as error:
            stop(f"{path} cannot be written ({error.strerror}).", "give a folder that exists and is yours", UNUSABLE)
        ERR.print(f"→ {path}", markup=False)


_WRITERS: Mapping[str, Callable[[Report, Language], bytes]] = {
    ".json": lambda report, _: orjson.dumps(report, option=orjson.OPT_INDENT_2),
    ".html": lambda report, _: write_html(report).encode(),
    ".xml": lambda report, language: write_junit(report, language).encode(),
    ".sarif": write_sarif,
}
