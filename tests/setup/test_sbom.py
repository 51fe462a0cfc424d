"""The bill of materials holds every locked package with its hashes, and follows CycloneDX's own schema."""

import json
import re
import runpy
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SBOM = runpy.run_path(str(ROOT / "requirements/sbom.py"))
LOCK = (ROOT / "requirements/run.txt").read_text()
EPOCH = 1_796_000_000


def bill(*roots: str) -> dict[str, Any]:
    packages = SBOM["read_lock"](LOCK)
    chosen = SBOM["needed"](packages, roots) if roots else packages
    text = SBOM["bill"]("passerelle", "1.2.3", {one: packages[one] for one in chosen}, epoch=EPOCH)
    assert text == SBOM["bill"]("passerelle", "1.2.3", {one: packages[one] for one in chosen}, epoch=EPOCH)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_every_locked_package_is_listed_with_all_its_hashes() -> None:
    found = bill()
    listed = {one["purl"]: {each["content"] for each in one["hashes"]} for one in found["components"]}
    pinned = re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.MULTILINE)
    assert {f"pkg:pypi/{name}@{version}" for name, version in pinned} == listed.keys()
    assert set(re.findall(r"sha256:([0-9a-f]{64})", LOCK)) == set().union(*listed.values())
    assert ("passerelle", "1.2.3") == (
        found["metadata"]["component"]["name"],
        found["metadata"]["component"]["version"],
    )


def test_every_locked_package_has_its_licence_as_its_own_metadata_say() -> None:
    """Those without an SPDX expression in their metadata are written by hand, once."""
    licences = {one["name"]: one["licenses"][0]["expression"] for one in bill()["components"]}
    assert SBOM["LICENCES"] == licences
    stated = {name: expression for name in licences if (expression := stated_licence(name)) is not None}
    assert len(stated) > 20
    assert stated == {name: licences[name] for name in stated}


def stated_licence(name: str) -> str | None:
    """The SPDX expression in the metadata of an installed package; None without one."""
    try:
        stated = metadata(name).json.get("license_expression")
    except PackageNotFoundError:  # of another platform
        return None
    return None if stated is None else str(stated)


def test_a_package_without_a_licence_is_refused() -> None:
    packages = SBOM["read_lock"](f"left-pad==1.0.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(ValueError, match="left-pad has no licence"):
        SBOM["bill"]("passerelle", "1.2.3", packages, epoch=EPOCH)


def test_the_kits_bill_has_what_the_kit_needs_and_no_more() -> None:
    wheel = tomllib.loads((ROOT / "conformance/packaging/wheel.toml").read_text())["project"]["dependencies"]
    roots = [re.match(r"[\w-]+", one)[0] for one in wheel]  # type: ignore[index]
    names = {one["name"] for one in bill(*roots)["components"]}
    assert {*roots, "yarl", "referencing", "markdown-it-py"} <= names
    assert names.isdisjoint({"aiokafka", "asyncssh"})


def test_a_package_without_a_hash_or_outside_the_lock_is_refused() -> None:
    with pytest.raises(ValueError, match="has no hash"):
        SBOM["read_lock"]("aiohttp==3.14.5\n    # via passerelle (pyproject.toml)\n")
    with pytest.raises(ValueError, match="not in the lock"):
        SBOM["needed"](SBOM["read_lock"](LOCK), ["left-pad"])
