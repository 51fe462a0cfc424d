"""The buyer's page: every proof that it names exists, and its retention table is that of the code."""

import re
from pathlib import Path

import pytest

from gateway.cli.app import COMMANDS
from gateway.protocol.topic import COMMON, DAY_MS, feed, inbox

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/fr/acheteur.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def tables() -> list[list[list[str]]]:
    """The tables of the page: rows of cells, the head first."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\|\n)+", TEXT, re.MULTILINE):
        rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in block.strip().splitlines()]
        found.append([rows[0], *rows[2:]])
    return found


def proofs() -> list[tuple[str, str]]:
    """Each row of a table with proofs, and the cell with them."""
    return [(row[0], row[-1]) for table in tables() if table[0][-1] == "preuve" for row in table[1:]]


def anchor(heading: str) -> str:
    """The anchor of a heading, as forges make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def fault(proof: str) -> str | None:
    """Why a proof does not exist; None if it does."""
    path, name = proof.partition("::")[0], proof.rpartition("::")[2] if "::" in proof else ""
    words = proof.split()
    if words[0] == "make":
        return None if re.search(rf"^{words[1]}: ", (ROOT / "Makefile").read_text(), re.MULTILINE) else "no target"
    if words[0] == "passerelle":
        return None if words[1] in COMMANDS else "no command"
    if not (ROOT / path).is_file():
        return "no file"
    if name and not re.search(rf"^\s*(?:async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE):
        return "no such test"
    return None


def broken(link: str) -> bool:
    """Whether a link of the page leads nowhere, its heading included."""
    path, _, heading = link.partition("#")
    file = PAGE if not path else (PAGE.parent / path).resolve()
    if not file.is_file():
        return True
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
    return bool(heading) and heading not in map(anchor, headings)


def test_every_line_has_a_proof() -> None:
    assert len(proofs()) > 30
    assert [] == [about for about, cell in proofs() if not (LINK.search(cell) or re.search(r"`[^`]+`", cell))]


@pytest.mark.parametrize("proof", sorted({one for _, cell in proofs() for one in re.findall(r"`([^`]+)`", cell)}))
def test_every_proof_exists(proof: str) -> None:
    assert fault(proof) is None


def test_every_link_leads_to_a_file_and_to_its_heading() -> None:
    assert [] == [link for link in LINK.findall(TEXT) if "://" not in link and broken(link)]


@pytest.mark.parametrize(
    "proof", ["tests/docs/test_buyer.py::test_nothing", "make nothing", "passerelle nothing", "tests/nothing.py"]
)
def test_a_proof_that_does_not_exist_is_found(proof: str) -> None:
    assert fault(proof) is not None


def test_the_retention_table_has_every_topic_with_its_days() -> None:
    rows = {row[0].strip("`"): row[1:] for table in tables() if table[0][0] == "topic" for row in table[1:]}
    topics = {topic.name: topic for topic in (*COMMON, inbox("{platform}"), feed("{platform}"))}
    assert topics.keys() == rows.keys()
    assert all(all(cells) for cells in rows.values())
    days = {name: f"{topic.retention_ms // DAY_MS} jours" for name, topic in topics.items() if topic.policy == "delete"}
    assert days == {name: re.sub(r"(?<=\d)\s(?=\d)", "", rows[name][-1]) for name in days}


def test_every_file_of_the_table_is_one_that_the_gateway_makes() -> None:
    rows = [row[0].strip("`") for table in tables() if table[0][0].startswith("fichier") for row in table[1:]]
    sources = "\n".join(
        path.read_text(encoding="utf-8") for top in ("gateway", "adapters") for path in (ROOT / top).rglob("*.py")
    )
    assert len(rows) > 5
    assert [] == [name for name in rows if f'"{name}"' not in sources]
