"""Each closed list of the protocol is in one place: its schema. Code and contracts take its values from there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
import yaml

from conformance.model.case import RoleName
from gateway.protocol.certificate import Role
from schemas.closed_list import _UNTITLED, CLOSED_LISTS, _plain_lists, closed_list
from schemas.packaged import read_bytes
from schemas.registry import schema, schema_names

ROOT = Path(__file__).parents[2]
_ROLES = re.compile(r"gateway/protocol/certificate\.py:|conformance/model/case\.py:")
_PRODUCT = ("schemas", "gateway", "adapters", "conformance")

LIST_NAMES = (*CLOSED_LISTS, *_UNTITLED, *_plain_lists())


@pytest.mark.parametrize("name", LIST_NAMES)
def test_no_code_repeats_a_closed_list(name: str) -> None:
    """But for those that the command line reads from a type."""
    found = [f"{path}:{line}" for path, line, values in _written() if values >= set(closed_list(name))]

    assert [] == [one for one in found if name not in {"role", "kit_role"} or not _ROLES.match(one)]


def test_the_roles_in_types_are_those_of_the_schemas() -> None:
    assert (closed_list("role"), closed_list("kit_role")) == (get_args(Role), get_args(RoleName))


@pytest.mark.parametrize("contract", ["openapi.yaml", "asyncapi.yaml"])
def test_no_contract_repeats_a_list_of_a_schema(contract: str) -> None:
    """The kit's own schemas apart, whose lists are of its cases and reports."""
    written = yaml.load(read_bytes(contract), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    names = [name for name in schema_names() if name not in {"case", "conformance-report", "conformance-evidence"}]
    lists = [values for name in names for _, values in _enums(schema(name), "") if len(values) > 1]

    assert [] == [pointer for pointer, values in _enums(written, "") if values in lists]


def test_no_case_repeats_the_list_of_reasons() -> None:
    """A case that expects any reason expects none in particular: else it refuses the next one."""
    reasons = set(closed_list("removal"))
    written = (
        (path.name, values)
        for path in sorted((ROOT / "conformance" / "cases").rglob("*.json"))
        for values in _choices(orjson.loads(path.read_bytes()))
    )

    assert [] == [one for one in written if len(reasons & one[1]) > 1]


def _choices(value: Any) -> Iterator[set[str]]:
    """The texts of every ``$in`` of a case."""
    if isinstance(value, dict):
        yield {one for one in value.get("$in", ()) if isinstance(one, str)}
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _choices(one)


def test_the_acts_of_the_code_are_those_of_the_list() -> None:
    """Nothing else is the first argument of ``acting`` or of a desk's ``change``, and each act is made somewhere."""
    nodes = [
        node
        for path in sorted((ROOT / "gateway").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    calls = [
        (node.func.attr, node.args[0])
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
    ]
    acts = {
        one.value
        for name, first in calls
        for one in {"acting": ast.walk(first), "change": [first]}.get(name, ())
        if isinstance(one, ast.Constant)
    }

    assert {"partner.rotate", "certificate.nonce", "platform.add", "keys.rotate"} <= acts
    assert acts <= set(closed_list("act")) <= texts


@cache
def _written() -> list[tuple[Path, int, set[object]]]:
    """Every collection of the product's code."""
    return [
        (path.relative_to(ROOT), line, values)
        for package in _PRODUCT
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, values in _collections(path.read_text(encoding="utf-8"))
    ]


def _collections(source: str) -> Iterator[tuple[int, set[object]]]:
    """The line and the texts of each tuple, list, set and ``Literal``; a mapping has a text or a function a value."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            yield node.lineno, {item.value for item in node.elts if isinstance(item, ast.Constant)}


def _enums(part: Any, pointer: str) -> Iterator[tuple[str, set[object]]]:
    if isinstance(part, dict):
        if isinstance(part.get("enum"), list):
            yield pointer, set(part["enum"])
        for key, inner in part.items():
            yield from _enums(inner, f"{pointer}/{key}")
    elif isinstance(part, list):
        for index, inner in enumerate(part):
            yield from _enums(inner, f"{pointer}/{index}")
