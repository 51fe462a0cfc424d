"""Write ``schemas/requirements.json`` from the protocol: ``python -m conformance.build_requirements docs/protocol.md``.

The English sentences come from the page. The French ones exist in the file alone and are kept; a French sentence whose
English has changed is emptied, and a test fails until it is translated again.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from conformance.words import Texts

_SENTENCE = re.compile(r"^- (.*?) `\[([A-Z]+-[0-9]{3})\]`\.$", re.MULTILINE)


def read_requirements(page: str) -> Mapping[str, str]:
    """Each requirement's English sentence by its id, in the page's order."""
    return {found[2]: found[1] for found in _SENTENCE.finditer(page)}


def write_requirements(page: str, known: Mapping[str, Texts]) -> str:
    """The text of ``requirements.json``, one line per requirement; ``known`` is its present content."""
    lines = []
    for id_, english in read_requirements(page).items():
        same = id_ in known and known[id_]["en"] == english
        text = {"fr": known[id_]["fr"] if same else "", "en": english}
        lines.append(f"  {json.dumps(id_)}: {json.dumps(text, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    file = Path(__file__).parents[1] / "schemas/requirements.json"
    written = write_requirements(
        Path(sys.argv[1]).read_text(encoding="utf-8"), json.loads(file.read_text(encoding="utf-8"))
    )
    file.write_text(written, encoding="utf-8")
