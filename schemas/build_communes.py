"""Builds the packaged lists of communes from the npm package ``@etalab/decoupage-administratif``.

It writes ``codes/communes.txt.gz`` and ``codes/former-communes.txt.gz``; run it by hand once a year.

    npm pack @etalab/decoupage-administratif && tar xzf etalab-decoupage-administratif-*.tgz
    python -m schemas.build_communes package

One line per postcode, sorted: the postcode, then its communes as INSEE code, space, name; fields separated by tabs.
Lines that start with ``#`` name source, version and licence. The gzip header has no timestamp, so that the same package
always gives the same bytes. Delegated and associated communes have no postcode of their own: the second file has a line
for each, with the INSEE code of the commune that it is part of, and its name.
"""

import gzip
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

KINDS = {"commune-actuelle", "arrondissement-municipal"}
FORMER = {"commune-deleguee", "commune-associee"}
TARGET = Path(__file__).parent / "codes" / "communes.txt.gz"
FORMER_TARGET = TARGET.with_name("former-communes.txt.gz")


def build(package: Path) -> tuple[bytes, bytes]:
    """The bytes of both files, from the unpacked npm package. Raises FileNotFoundError, KeyError on another layout."""
    version = orjson.loads((package / "package.json").read_bytes())["version"]
    communes = orjson.loads((package / "data" / "communes.json").read_bytes())
    head = (
        f"# source: @etalab/decoupage-administratif {version} (INSEE, La Poste)\n"
        f"# version: {version}\n"
        "# licence: Licence Ouverte 2.0 (data)\n"
    )
    current, former = (
        gzip.compress((head + "".join(lines)).encode(), compresslevel=9, mtime=0)
        for lines in (_lines(communes), _former_lines(communes))
    )
    return current, former


def _lines(communes: list[dict[str, Any]]) -> list[str]:
    by_postcode: dict[str, set[str]] = defaultdict(set)
    for commune in communes:
        if commune["type"] in KINDS:
            for postcode in commune.get("codesPostaux", ()):
                by_postcode[postcode].add(f"{commune['code']} {commune['nom']}")
    return ["\t".join((postcode, *sorted(found))) + "\n" for postcode, found in sorted(by_postcode.items())]


def _former_lines(communes: list[dict[str, Any]]) -> list[str]:
    current = {commune["code"]: commune["nom"] for commune in communes if commune["type"] in KINDS}
    found = {
        (commune["chefLieu"], commune["nom"])
        for commune in communes
        if commune["type"] in FORMER and commune["nom"] != current.get(commune["chefLieu"])
    }
    return [f"{code} {name}\n" for code, name in sorted(found)]


if __name__ == "__main__":
    for target, content in zip((TARGET, FORMER_TARGET), build(Path(sys.argv[1])), strict=True):
        target.write_bytes(content)
