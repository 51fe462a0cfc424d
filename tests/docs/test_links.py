"""Links between the pages, and the headings that messages name, have a target."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(docs/[a-z/-]+\.md), “([^”]+)”")
FILE = r"`((?:adapters|bench|conformance|demo|gateway|schemas|tests)/[a-z0-9_./-]+)`"
FUNCTION = re.compile(FILE.removesuffix("`") + r"` `([\w.]+)`")
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


def test_every_file_and_function_that_a_page_names_exists() -> None:
    pages = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    files = [(page, file) for page, text in texts.items() for file in re.findall(FILE, text)]
    assert len(files) > 200
    assert [] == [named for named in files if not (ROOT / named[1]).exists()]
    functions = [(page, *named) for page, text in texts.items() for named in FUNCTION.findall(text)]
    assert [] == [
        (page, file, function)
        for page, file, function in functions
        if file.endswith(".py")
        and any(re.search(rf"\b{one}\b", (ROOT / file).read_text("utf-8")) is None for one in function.split("."))
    ]


def test_every_heading_that_a_message_names_is_on_its_page() -> None:
    paths = (path for top in ("gateway", "adapters") for path in (ROOT / top).rglob("*.py"))
    sources = [path.read_text(encoding="utf-8") for path in paths]
    nodes = (node for source in sources if "docs/" in source for node in ast.walk(ast.parse(source)))
    named = {one for node in nodes if isinstance(node, ast.Constant) for one in NAMED.findall(str(node.value))}
    assert len(named) > 2
    assert [] == [at for at in sorted(named) if f"## {at[1]}\n" not in (ROOT / at[0]).read_text(encoding="utf-8")]
