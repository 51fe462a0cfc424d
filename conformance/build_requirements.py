"""Writes ``requirements.json``: ``python -m conformance.build_requirements docs/protocol.md``."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

_SENTENCE = re.compile(r"^- (.*?) `\[([A-Z]+-[0-9]{3})\]`\.$", re.MULTILINE)


def read_requirements(page: str) -> Mapping[str, str]:
    """Each requirement's sentence by its id, in the page's order."""
    return {found[2]: found[1] for found in _SENTENCE.finditer(page)}


def write_requirements(page: str) -> str:
    """The text of ``requirements.json``."""
    return json.dumps(read_requirements(page), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    text = write_requirements(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(__file__).with_name("requirements.json").write_text(text, encoding="utf-8")
