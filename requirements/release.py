"""Build the wheel of a release, or list everything that is missing for one: ``make release``.

Needs the development environment. ``publiccode.yml`` has a placeholder for the address of the repository, which the
publisher replaces.
"""

# ruff: noqa: INP001, T201 - a script of its own that talks to its user
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
_MANDATORY = (
    "publiccodeYmlVersion",
    "name",
    "url",
    "softwareVersion",
    "releaseDate",
    "platforms",
    "categories",
    "developmentStatus",
    "softwareType",
    "description",
    "legal.license",
    "maintenance.type",
    "maintenance.contacts",
    "localisation.localisationReady",
    "localisation.availableLanguages",
)
"""Keys that publiccode.yml 0.4 requires, those for internal maintenance included."""
_TEXTS = {"shortDescription": (1, 150), "longDescription": (150, 10_000)}
"""Least and most characters of a description's texts."""
_PLACEHOLDER = re.compile(
    r"\b(?:example|invalid|localhost)\b(?!\.\w)|\bexample\.(?:com|org|net)\b|REPLACE", re.IGNORECASE
)
_ADDRESS = re.compile(r"https://[^\s/]+\.[^\s/]+/\S+")
_SECTION = re.compile(r"^## (\S+) — (\S+)$", re.MULTILINE)


def problems(root: Path) -> list[str]:
    """Everything that prevents a release of this tree, each with its remedy."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    publiccode = yaml.safe_load((root / "publiccode.yml").read_text(encoding="utf-8"))
    found = [*_of_changelog(root, version, publiccode), *_of_publiccode(publiccode)]
    if publiccode.get("softwareVersion") != version:
        found.append(f"publiccode.yml: softwareVersion is not {version}, the version of pyproject.toml; set it")
    return found


def _of_changelog(root: Path, version: str, publiccode: Mapping[str, Any]) -> Iterator[str]:
    newest = _SECTION.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    if newest is None or newest[1] != version:
        yield f"CHANGELOG.md: the first section is not that of {version}; its head is “## {version} — date”"
        return
    try:
        released = date.fromisoformat(newest[2])
    except ValueError:
        yield f"CHANGELOG.md: the date of {version} is “{newest[2]}”; give the day of its release, such as 2027-01-31"
        return
    if str(publiccode.get("releaseDate")) != released.isoformat():
        yield f"publiccode.yml: releaseDate is not {released}, the day in CHANGELOG.md; set it"


def _of_publiccode(publiccode: Mapping[str, Any]) -> Iterator[str]:
    for path in _MANDATORY:
        if _value(publiccode, path) in (None, "", [], {}):
            yield f"publiccode.yml: {path} is missing; the standard requires it"
    url = str(publiccode.get("url", ""))
    if url and not _ADDRESS.fullmatch(url):
        yield "publiccode.yml: url is no https address of a repository; set it"
    for path, text in _texts(publiccode, ""):
        if (placeholder := _PLACEHOLDER.search(text)) is not None:
            yield f"publiccode.yml: {path} holds the placeholder “{placeholder[0]}”; set the publisher's own value"
    for language, description in (publiccode.get("description") or {}).items():
        for name, (least, most) in _TEXTS.items():
            if not least <= len(str(description.get(name, ""))) <= most:
                yield f"publiccode.yml: description.{language}.{name} must have {least} to {most} characters"


def _value(document: Mapping[str, Any], path: str) -> Any:
    found: Any = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """All texts of a document, each with its path."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _texts(member, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value


def build(root: Path, folder: Path) -> None:
    """Build the wheel into a folder, without network access."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(root)], check=True)  # noqa: S603  # our own command line


def main(root: Path = ROOT) -> int:
    """List what is missing and return 1, else build the wheel into ``dist`` and return 0."""
    found = problems(root)
    if found:
        print("Not ready for a release:", *found, sep="\n- ", file=sys.stderr)
        return 1
    build(root, root / "dist")
    print("Built:", *sorted(path.name for path in (root / "dist").glob("passerelle-*.whl")))
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
