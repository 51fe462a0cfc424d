"""A change of a scratch copy: one sentence says what is to be recorded or announced; texts need nothing."""

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from schemas.evolution.compare import ReleaseComparison
from schemas.evolution.process import RELEASES, TREE, Release
from tests.schemas.evolution.mutation import PRESENT
from tests.schemas.evolution.scratch import scratch_tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAME = schemas.RELEASE
RAISED = "2099.01"


def tree(folder: Path, bodies: Any = None, **files: Any) -> Path:
    """A scratch copy with the releases on file and the changelog."""
    scratch_tree(folder, bodies, **files)
    shutil.copytree(RELEASES, folder / "schemas" / "releases")
    shutil.copy(TREE / "CHANGELOG.md", folder)
    return folder


def run(root: Path, *day: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "schemas.evolution.record", *day]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


def publish(root: Path) -> None:
    changelog = root / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("0.1.0 — unreleased", "0.1.0 — 2027-01-31"))


def further_rule(body: Any) -> Any:
    return {**body, "text-shouted": {**body["text-invisible"], "severity": "warning"}}


def other_texts(body: Any) -> Any:
    rule = body["text-invisible"]
    changed = {**rule, "fix": {"fr": "Corrigez.", "en": "Mend it."}, "requirement": "OFR-001"}
    return {**body, "text-invisible": changed}


def other_names(body: Any) -> Any:
    return {**body, "items": [{**one, "name": f"{one['name']}s"} for one in body["items"]]}


def described(body: Any) -> Any:
    return {**body, "description": "Another text."}


def further_requirement(body: Any) -> Any:
    return {**body, "FURTHER": {"en": "A requirement.", "fr": "Une exigence."}}


def titles_of(length: int) -> Any:
    offer = PRESENT["offer"]
    title = {**offer["properties"]["title"], "maxLength": length}
    return {"offer": {**offer, "properties": {**offer["properties"], "title": title}}}


def test_a_change_of_texts_needs_no_recording(tmp_path: Path) -> None:
    files = {
        "catalogue__offer": other_texts,
        "codes__sectors": other_names,
        "json__offer.schema": described,
        "requirements": further_requirement,
    }
    assert (0, "") == run(tree(tmp_path, **files))


def test_a_further_rule_says_in_one_sentence_that_it_is_to_be_recorded(tmp_path: Path) -> None:
    root = tree(tmp_path, catalogue__offer=further_rule)
    sentence = (
        f"What decides verdicts differs from schemas/releases/{NAME} (rules.json text-shouted): run `make record`, "
        "which names what is to be announced in CHANGELOG.md, and commit the folder.\n"
    )
    assert [(1, sentence), (0, ""), (0, "")] == [run(root), run(root, "2026-12-02"), run(root)]


@pytest.mark.parametrize(
    ("bodies", "files", "words"),
    [
        (titles_of(149), {}, "`submission /title` (maxLength; "),
        (None, {"rules__week": lambda text: text.replace("AHEAD = 400", "AHEAD = 399")}, "`rules week-too-far` ("),
    ],
    ids=["schema", "code of a rule"],
)
def test_a_break_is_recorded_only_once_it_is_announced(
    bodies: Any, files: dict[str, Any], words: str, tmp_path: Path
) -> None:
    root = tree(tmp_path, bodies, **files)
    checked, recorded = run(root), run(root, "2026-12-02")
    assert [1, 1] == [checked[0], recorded[0]]
    sentence = (
        f"This version breaks publishers of {NAME}: announce it in CHANGELOG.md, with its day and the words {words}"
    )
    assert [True, True] == [sentence in output for _, output in (checked, recorded)]
    changelog = root / "CHANGELOG.md"
    changelog.write_text(f"{changelog.read_text()}\nFrom 1 September 2027 on: {words}\n")
    assert [0, 0] == [run(root, "2026-12-02")[0], run(root)[0]]


def test_a_published_release_is_never_recorded_again(tmp_path: Path) -> None:
    root = tree(tmp_path, catalogue__offer=further_rule)
    publish(root)
    before = {path.name: path.read_bytes() for path in (root / "schemas/releases" / NAME).iterdir()}
    refused = run(root, "2027-09-01")
    assert (1, True) == (refused[0], "raise RULES_VERSION in schemas/rulebook.py" in refused[1])
    rulebook = root / "schemas/rulebook.py"
    rulebook.write_text(rulebook.read_text().replace(f'"{schemas.RULES_VERSION}"', f'"{RAISED}"'))
    assert [0, 0] == [run(root, "2027-09-01")[0], run(root)[0]]
    assert before == {path.name: path.read_bytes() for path in (root / "schemas/releases" / NAME).iterdir()}
    assert {NAME, f"{schemas.SCHEMA_VERSION}-{RAISED}"} == {path.name for path in (root / "schemas/releases").iterdir()}


def test_the_recipe_of_a_school_year_breaks_nobody(tmp_path: Path) -> None:
    """One file, recorded: until then the check names it; the calendars are proved to break no publisher."""
    root = tree(tmp_path)
    calendars = root / "schemas" / "calendar"
    last = max(path.stem for path in calendars.iterdir())
    first = int(last[:4]) + 1
    body = {**orjson.loads((calendars / f"{last}.json").read_bytes()), "school_year": f"{first}-{first + 1}"}
    body |= {"first": f"{first}-09-01", "last": f"{first + 1}-08-31"}
    fridays = [date(first + 1, 6, day) for day in range(1, 31) if date(first + 1, 6, day).isoweekday() == 5]
    body["mandatory_weeks"]["weeks"] = [f"{day:%G-W%V}" for day in fridays[-2:]]
    (calendars / f"{first}-{first + 1}.json").write_bytes(orjson.dumps(body))
    assert f"(calendars.json {first}-{first + 1})" in run(root)[1]
    assert [0, 0] == [run(root, f"{first}-01-15")[0], run(root)[0]]
    with Release(NAME) as old, Release(str(root)) as new:
        found = [*ReleaseComparison(old, new, count=50, seed=1).findings()]
    assert ["proved"] == [one.word for one in found if one.subject == "calendars"]


def test_equal_trees_give_equal_files(tmp_path: Path) -> None:
    roots = [tree(tmp_path / name) for name in ("first", "second")]
    (roots[1] / "schemas" / "rules" / "__init__.py").touch()
    written = []
    for root in roots:
        assert 0 == run(root, "2026-12-02")[0]
        written.append({path.name: path.read_bytes() for path in (root / "schemas/releases" / NAME).iterdir()})
    assert written[0] == written[1]
