"""Compares this version with the release on file under its name, and records it: ``make record``.

``schemas/releases/NAME/`` holds what decides verdicts as data, without texts (schemas of the wire, rules, lists,
calendars), the program that gives the release's verdicts (``verdict.pyz``), and their digests (``release.json``). A
release changes until the changelog's section of a published version names it; then it never changes.
"""

import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from schemas.evolution.answer import WIRE, facts
from schemas.evolution.compare import ReleaseComparison, announcement, has_ended, unannounced
from schemas.evolution.process import INDEX, PRESENT, PROGRAM, RELEASES, TREE, Release, names
from schemas.evolution.subset import bare, find_foreign

_LEFT_OUT = {
    *("evolution", "releases", "kit", "requirements.json", "reading.json", "oauth.json", "titles.json"),
    *("contract.py", "client_form.py", "reference_pages.py", "bundle.py", "deprecations.json"),
}
"""Parts of the package without which a release judges."""
_WITHIN = ("offer", "withdrawal")
"""The schemas that those of the wire refer to."""
_KINDS = {".py", ".json", ".gz"}
_MOMENT = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_TEXTS = {"message", "fix", "consequence", "requirement", "name", "name_en"}
_PUBLISHED_SECTION = re.compile(r"^## \S+ — \d{4}-\d\d-\d\d$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def data_of(known: Mapping[str, Any]) -> dict[str, bytes]:
    """The data of a release by file, without texts: a corrected text is no new release."""
    schemas = {name: bare(known["schemas"][name]) for name in (*_WITHIN, *WIRE)}
    communes = orjson.dumps(known["lists"]["communes"], option=orjson.OPT_SORT_KEYS)
    lists = {
        name: {code: _plain(item) for code, item in items.items()}
        for name, items in known["lists"].items()
        if name != "communes"
    }
    data = {
        "schemas": schemas,
        "rules": {rule["code"]: _plain(rule) for rule in known["rules"]},
        "lists": {**lists, "communes": {"sha256": hashlib.sha256(communes).hexdigest()}},
        "calendars": known["calendars"],
    }
    return {f"{part}.json": orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n" for part, body in data.items()}


def _plain(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if name not in _TEXTS | {"code"}}


def program_of(tree: Path = TREE) -> bytes:
    """The zipapp of a tree's package ``schemas``. Equal trees give equal bytes, since nothing in it is compressed; so
    Git stores of a further release only what differs.
    """
    package = tree / "schemas"
    paths = sorted(path for path in package.rglob("*") if path.suffix in _KINDS)
    kept = [path for path in paths if path.relative_to(package).parts[0] not in _LEFT_OUT]
    named = [("__main__.py", package / "evolution" / "answer.py")]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in [*named, *((path.relative_to(tree).as_posix(), path) for path in kept)]:
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system = _UNIX
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def find_changes(known: Mapping[str, Any], releases: Path = RELEASES) -> list[str]:
    """The differences from the release on file under this version's name, as file and key; empty if nothing does."""
    folder = releases / known["release"]
    if not (folder / INDEX).is_file():
        return [str(folder / INDEX)]
    found = []
    for file, content in data_of(known).items():
        ours, theirs = orjson.loads(content), orjson.loads((folder / file).read_bytes())
        found += [f"{file} {key}" for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]
    return found


def is_published(name: str, changelog: str) -> bool:
    """Whether the changelog's section of a published version names a release."""
    schema, _, rules = name.partition("-")
    return any(f"schema {schema}, rules {rules}" in text for text in _PUBLISHED_SECTION.findall(changelog))


def find_remedy(known: Mapping[str, Any], changelog: str, releases: Path = RELEASES) -> str:
    """The one sentence that says what to do where this version is not the release on file; empty if it is."""
    changes = find_changes(known, releases)
    if not changes:
        return ""
    name = known["release"]
    raised = "raise RULES_VERSION in schemas/rulebook.py, for a field x-version of the offer's schema; then "
    return (
        f"What decides verdicts differs from schemas/releases/{name} ({', '.join(changes)}): "
        f"{raised if is_published(name, changelog) else ''}run `make record`, which names what is to be announced in "
        "CHANGELOG.md, and commit the folder."
    )


def find_breaks(changelog: str, on: str | None = None) -> list[str]:
    """The breaks of any release on file that are not announced, nor ended by that release itself by this day."""
    found = []
    for name in names():
        with Release(name) as old, Release(PRESENT) as new:
            for one in unannounced(ReleaseComparison(old, new, count=3000, seed=1).findings(), changelog):
                if on is not None and has_ended(one, old, on):
                    continue
                document = orjson.dumps(one.document).decode()
                found.append(
                    f"This version breaks {one.side} of {name}: announce it in CHANGELOG.md, with its day and the "
                    f"words {announcement(one)} ({one.broken}; witness, received on {one.on or 'any day'}: {document})."
                )
    return found


def _recorded_on(folder: Path) -> str | None:
    index = folder / INDEX
    return orjson.loads(index.read_bytes())["recorded"] if index.is_file() else None


def main(on: str | None = None, tree: Path = TREE) -> int:
    """Record this version on a day, if it breaks nothing unannounced; without a day say what is to be done."""
    releases, changelog = tree / "schemas" / "releases", (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    known = facts()
    name, remedy = known["release"], find_remedy(known, changelog, releases)
    found = [one for schema in WIRE for one in find_foreign(schema, known["schemas"])] or find_breaks(
        changelog, on or _recorded_on(releases / name)
    )
    if remedy and (on is None or is_published(name, changelog)):
        found.insert(0, remedy)
    if found or on is None or is_published(name, changelog):
        sys.stderr.write("".join(f"{reason}\n" for reason in found))
        return 1 if found else 0
    folder, files = releases / name, {**data_of(known), PROGRAM: program_of(tree)}
    index = {"release": name, "recorded": date.fromisoformat(on).isoformat(), "sha256": digests(files)}
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in {**files, INDEX: orjson.dumps(index, option=orjson.OPT_INDENT_2) + b"\n"}.items():
        (folder / file).write_bytes(content)
    sys.stdout.write(f"Recorded {name}: {len(files)} files, {sum(map(len, files.values())):,} bytes.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if sys.argv[1:] else None))
