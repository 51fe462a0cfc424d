"""Build the wheels of a release and its bill of materials, or list everything that is missing: ``make release``.

Needs the development environment. ``publiccode.yml`` has a placeholder for the address of the repository, which the
publisher replaces.
"""

# ruff: noqa: INP001, T201 - a script of its own that talks to its user
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from schemas.evolution.process import PROGRAM
from schemas.evolution.record import program_of

ROOT = Path(__file__).resolve().parent.parent
CLIENT = "clients/python"
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
_BASE = re.compile(r"^ARG BASE=(\S+)$", re.MULTILINE)
_PINNED = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
_COMMIT_TIME = ("git", "log", "-1", "--format=%ct")
_SECTION = re.compile(r"^## (\S+) — (\S+)$", re.MULTILINE)


def problems(root: Path) -> list[str]:
    """Everything that prevents a release of this tree, each with its remedy."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    publiccode = yaml.safe_load((root / "publiccode.yml").read_text(encoding="utf-8"))
    found = [*_of_changelog(root, version, publiccode), *_of_publiccode(publiccode)]
    found += _of_recording(root)
    found += _of_image((root / "Containerfile").read_text(encoding="utf-8"))
    client = tomllib.loads((root / CLIENT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if client != version:
        found.append(f"{CLIENT}/pyproject.toml: the version is {client}, not {version}, that of the gateway; set it")
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


def _of_recording(root: Path) -> Iterator[str]:
    if program_of(root) not in {path.read_bytes() for path in root.glob(f"schemas/releases/*/{PROGRAM}")}:
        yield "schemas/releases: no release on file gives the verdicts of this tree; run `make record`"


def _of_image(containerfile: str) -> Iterator[str]:
    base = _BASE.search(containerfile)
    if base is None or not _PINNED.fullmatch(base[1]):
        said = "nothing" if base is None else base[1]
        yield f"Containerfile: BASE is {said}; name the tried base by its digest: …@sha256: and 64 hexadecimal digits"


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


def write_bill(root: Path, folder: Path) -> Path:
    """Write the software bill of materials beside the wheel, dated by the last commit; returns its path."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    file = folder / f"passerelle-{version}.cdx.json"
    dated = subprocess.run(_COMMIT_TIME, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # same
    environ = {**os.environ, "SOURCE_DATE_EPOCH": dated.stdout.strip() or os.environ.get("SOURCE_DATE_EPOCH", "0")}
    command = [sys.executable, str(Path(__file__).with_name("sbom.py")), "passerelle", version, str(file)]
    subprocess.run(command, check=True, env=environ)  # noqa: S603  # our own command line
    return file


def main(root: Path = ROOT) -> int:
    """List what is missing and return 1, else build wheel and bill of materials into ``dist`` and return 0."""
    found = problems(root)
    if found:
        print("Not ready for a release:", *found, sep="\n- ", file=sys.stderr)
        return 1
    build(root, root / "dist")
    build(root / CLIENT, root / "dist")
    bill = write_bill(root, root / "dist")
    print("Built:", *sorted(path.name for path in (root / "dist").glob("passerelle*.whl")), bill.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
