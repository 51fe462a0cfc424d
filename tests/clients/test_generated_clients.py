"""The contract in the tools of its readers: linters find nothing, generators generate every operation, and the
generated clients publish, send a snapshot and read changes on a live gateway.
"""

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from schemas.contract import asyncapi_document, openapi_document
from tests.clients.journey import PUBLISHERS, TITLE, environ_of
from tests.clients.tools import ROOT, node_modules, python_packages, run

pytestmark = [pytest.mark.node, pytest.mark.smoke, pytest.mark.timeout(300)]
PROGRAMS = Path(__file__).parent / "programs"
CONTRACT = ROOT / "docs" / "contract"
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


def operations() -> set[str]:
    """The ids of every operation of the document."""
    items = openapi_document()["paths"].values()
    return {one["operationId"] for item in items for method, one in item.items() if method in METHODS}


@dataclass(frozen=True)
class Workshop:
    """A folder with the programs, the documents, and what the generators made of them."""

    folder: Path
    python_output: str

    def tool(self, name: str, *arguments: str) -> str:
        return run([f"node_modules/.bin/{name}", *arguments], self.folder)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("clients")
    for source in (*PROGRAMS.iterdir(), CONTRACT / "openapi.json", CONTRACT / "asyncapi.json"):
        if source.is_file():
            shutil.copy(source, folder)
    (folder / "package.json").write_text('{"type": "commonjs"}')
    (folder / "node_modules").symlink_to(node_modules())
    run(["node_modules/.bin/openapi-typescript", "openapi.json", "-o", "contract.d.ts"], folder)
    run(["node_modules/.bin/openapi-ts", "-i", "openapi.json", "-o", "hey", "--no-log-file"], folder)
    generate = ["generate", "--path", "openapi.json", "--output-path", "contract_client", "--meta", "none"]
    config = ["--config", str(CONTRACT / "openapi-python-client.yaml")]
    environ = {"PYTHONPATH": str(python_packages()), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    output = run([sys.executable, "-m", "openapi_python_client", *generate, *config], folder, environ=environ)
    return Workshop(folder, output)


def test_redocly_finds_nothing(workshop: Workshop) -> None:
    found = workshop.tool("redocly", "lint", "--config", "redocly.yaml", "--format", "json", "openapi.json")
    assert [] == json.loads(found[found.index("{") : found.rindex("}") + 1])["problems"]


@pytest.mark.parametrize("name", ["openapi", "asyncapi"])
def test_spectral_finds_nothing(workshop: Workshop, name: str) -> None:
    found = workshop.tool("spectral", "lint", "-F", "hint", "-r", f"spectral-{name}.yaml", f"{name}.json")
    assert "No results" in found


def test_the_asyncapi_parser_reads_every_operation(workshop: Workshop) -> None:
    read = json.loads(run(["node", "parse-asyncapi.mjs", "asyncapi.json"], workshop.folder))
    assert {"errors": [], "operations": list(asyncapi_document()["operations"])} == read


def test_openapi_typescript_generates_every_operation(workshop: Workshop) -> None:
    types = (workshop.folder / "contract.d.ts").read_text()
    body = types.partition("export interface operations {\n")[2].partition("\n}")[0]
    assert operations() == set(re.findall(r"^    (\w+): \{$", body, re.MULTILINE))


def test_hey_api_generates_every_operation(workshop: Workshop) -> None:
    functions = (workshop.folder / "hey" / "sdk.gen.ts").read_text()
    assert operations() == set(re.findall(r"^export const (\w+) = <ThrowOnError", functions, re.MULTILINE))


def test_openapi_python_client_generates_every_operation_without_a_warning(workshop: Workshop) -> None:
    modules = {path.stem for path in workshop.folder.glob("contract_client/api/*/*.py")} - {"__init__"}
    assert {re.sub(r"([A-Z])", r"_\1", one).lower() for one in operations()} == modules
    assert "arning" not in workshop.python_output


def report(publisher: str, kind: str) -> dict[str, Any]:
    return {
        "published": "accepted",
        "snapshot": {"accepted": 1, "duplicate": 1},
        "withdrawn": 0,
        "changes": {f"{publisher}:{kind}-1": TITLE, f"{publisher}:{kind}-2": TITLE},
        "refused": ["/title"],
    }


def test_the_typescript_clients_work_on_a_live_gateway(workshop: Workshop, live: dict[str, str], later: str) -> None:
    """Both are type-checked strictly first."""
    workshop.tool("tsc", "-p", "tsconfig.json")
    for kind in ("fetch", "hey"):
        said = run(["node", f"out/{kind}.js"], workshop.folder, environ=environ_of(kind, live, later))
        assert report(PUBLISHERS[kind], kind) == json.loads(said)


def test_the_python_client_works_on_a_live_gateway(workshop: Workshop, live: dict[str, str], later: str) -> None:
    environ = {**environ_of("python", live, later), "PYTHONPATH": str(python_packages())}
    said = run([sys.executable, "journey.py"], workshop.folder, environ=environ)
    assert report(PUBLISHERS["python"], "python") == json.loads(said)
