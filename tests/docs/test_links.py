"""Links between the pages, and the headings that messages name, have a target."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(docs/[a-z/-]+\.md), “([^”]+)”")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_within_the_repository_leads_to_a_file_and_to_its_heading() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
    links = [(page, *target) for page in pages for target in LINK.findall(page.read_text(encoding="utf-8"))]
    assert len(links) > 50
    leads = [(page, (page.parent / to) if to else page, anchor) for page, to, anchor in links]
    assert [] == [f"{page.relative_to(ROOT)}: {target}" for page, target, _ in leads if not target.exists()]
    headed = [(page, target, anchor) for page, target, anchor in leads if anchor and target.suffix == ".md"]
    assert [] == [
        f"{page.relative_to(ROOT)}: {target.name}#{anchor}"
        for page, target, anchor in headed
        if anchor not in anchors(target)
    ]


def test_every_heading_that_a_message_names_is_on_its_page() -> None:
    paths = (path for top in ("gateway", "adapters") for path in (ROOT / top).rglob("*.py"))
    sources = [path.read_text(encoding="utf-8") for path in paths]
    nodes = (node for source in sources if "docs/" in source for node in ast.walk(ast.parse(source)))
    named = {one for node in nodes if isinstance(node, ast.Constant) for one in NAMED.findall(str(node.value))}
    assert len(named) > 2
    assert [] == [at for at in sorted(named) if f"## {at[1]}\n" not in (ROOT / at[0]).read_text(encoding="utf-8")]
