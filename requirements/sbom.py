"""Write a software bill of materials (CycloneDX 1.6, JSON) of locked packages, from the lock and ``licences.json``.

``python requirements/sbom.py NAME VERSION FILE [ROOT …]``: of all packages of run.txt, or of those that the named ones
need. Hashes are those of the lock: each file of a package that may be installed. Time is ``SOURCE_DATE_EPOCH``, so that
the same lock gives the same bytes.
"""

# ruff: noqa: INP001 - a script of its own
import json
import os
import re
import sys
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

LOCK = Path(__file__).with_name("run.txt")
LICENCE = "EUPL-1.2"
LICENCES: Mapping[str, str] = json.loads(Path(__file__).with_name("licences.json").read_text(encoding="utf-8"))
"""The licence of each locked package, as an SPDX expression; a test compares them with the packages' own metadata."""
_PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.IGNORECASE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^\s+#\s+(?:via\s+)?([a-z0-9][a-z0-9._-]*)(?:\s.*)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Locked:
    """A package of the lock: its version, the SHA-256 of its files, and the packages that need it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: frozenset[str]


def read_lock(text: str) -> Mapping[str, Locked]:
    """The packages of a lock, by name. Raises ValueError where one has no hash."""
    found: dict[str, Locked] = {}
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        pinned = _PINNED.match(block)
        if pinned is None:
            continue
        hashes = tuple(sorted(set(_HASH.findall(block))))
        if not hashes:
            raise ValueError(f"{pinned[1]} has no hash in the lock")
        needed_by = {via[1] for line in block.splitlines() if (via := _VIA.match(line))} - {"via"}
        found[pinned[1]] = Locked(pinned[1], pinned[2], hashes, frozenset(needed_by))
    return found


def needed(packages: Mapping[str, Locked], roots: Iterable[str]) -> set[str]:
    """The names of these packages and of all that they need. Raises ValueError for one that is not locked."""
    waiting = list(roots)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in packages:
            raise ValueError(f"{name} is not in the lock")
        if name not in found:
            found.add(name)
            waiting += [one.name for one in packages.values() if name in one.needed_by]
    return found


def bill(name: str, version: str, packages: Mapping[str, Locked], *, epoch: int) -> str:
    """The bill of a product with these packages, at a time (seconds since 1970)."""
    product = Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"{name}@{version}",
        licenses=[LicenseExpression(LICENCE)],
    )
    parts = {one: _component(locked) for one, locked in sorted(packages.items())}
    content = [f"{name}@{version}", *(part.bom_ref.value or "" for part in parts.values())]
    bom = Bom(
        components=parts.values(),
        dependencies=[_dependency(product, parts.values()), *_dependencies(parts, packages)],
        metadata=BomMetaData(component=product, timestamp=datetime.fromtimestamp(epoch, UTC)),
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(content)),
    )
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(one: Locked) -> Component:
    if one.name not in LICENCES:
        raise ValueError(f"{one.name} has no licence in requirements/licences.json")
    purl = PackageURL(type="pypi", name=one.name, version=one.version)
    return Component(
        name=one.name,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=[LicenseExpression(LICENCES[one.name])],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in one.hashes],
    )


def _dependencies(parts: Mapping[str, Component], packages: Mapping[str, Locked]) -> Iterable[Dependency]:
    for name, part in parts.items():
        yield _dependency(part, [other for one, other in parts.items() if name in packages[one].needed_by])


def _dependency(part: Component, below: Collection[Component]) -> Dependency:
    return Dependency(part.bom_ref, [Dependency(one.bom_ref) for one in below])


def main(name: str, version: str, file: str, *roots: str) -> None:
    """Write the bill to a file."""
    packages = read_lock(LOCK.read_text(encoding="utf-8"))
    chosen = needed(packages, roots) if roots else packages
    text = bill(
        name,
        version,
        {one: packages[one] for one in chosen},
        epoch=int(os.environ.get("SOURCE_DATE_EPOCH", "0")),
    )
    Path(file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
