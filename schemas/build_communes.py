"""Builds ``codes/communes.txt.gz`` from the npm package ``@etalab/decoupage-administratif``; run by hand once a year.

    npm pack @etalab/decoupage-administratif && tar xzf etalab-decoupage-administratif-*.tgz
    python -m schemas.build_communes package

One line per postcode, sorted: the postcode, then its communes as INSEE code, space, name; fields separated by tabs.
Lines that start with ``#`` name source, version and licence. The gzip carries no time, so that the same package always
gives the same bytes. Delegated and associated communes have no postcode of their own and are left out.
"""

import gzip
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

KINDS = {"commune-actuelle", "arrondissement-municipal"}
TARGET = Path(__file__).parent / "codes" / "communes.txt.gz"


def build(package: Path) -> bytes:
    """The file's bytes, made of the unpacked npm package. Raises FileNotFoundError, KeyError on another layout."""
    version = orjson.loads((package / "package.json").read_bytes())["version"]
    communes = orjson.loads((package / "data" / "communes.json").read_bytes())
    head = (
        f"# source: @etalab/decoupage-administratif {version} (INSEE, La Poste)\n"
        f"# version: {version}\n"
        "# licence: Licence Ouverte 2.0 (data)\n"
    )
    return gzip.compress((head + "".join(_lines(communes))).encode(), compresslevel=9, mtime=0)


def _lines(communes: list[dict[str, Any]]) -> list[str]:
    by_postcode: dict[str, set[str]] = defaultdict(set)
    for commune in communes:
        if commune["type"] in KINDS:
            for postcode in commune.get("codesPostaux", ()):
                by_postcode[postcode].add(f"{commune['code']} {commune['nom']}")
    return ["\t".join((postcode, *sorted(found))) + "\n" for postcode, found in sorted(by_postcode.items())]


if __name__ == "__main__":
    TARGET.write_bytes(build(Path(sys.argv[1])))
