"""The clients that openapi-generator writes from the contract, with its default options: each compiles, and a program
that uses it publishes, withdraws, sends a set and reads changes on a live gateway, with every value as it was sent.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.journey import environ_of, expected
from tests.clients.openapi_generator import generate, jars
from tests.clients.tools import ROOT, node_modules, python_packages, run

pytestmark = [pytest.mark.generator, pytest.mark.timeout(300)]
PROGRAMS = Path(__file__).parent / "programs"
DOCUMENT = ROOT / "docs" / "contract" / "openapi.json"
COMPILE_SECONDS = 250


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The program of the test's language beside its generated client."""
    shutil.copytree(PROGRAMS / request.param, tmp_path, dirs_exist_ok=True)
    generate(DOCUMENT, request.param, tmp_path / "client")
    return tmp_path


def played(command: list[str], folder: Path, live: dict[str, str], later: str, client: str, **environ: str) -> Any:
    """The report of a program."""
    return json.loads(run(command, folder, environ={**environ_of(client, live, later), **environ}))


@pytest.mark.parametrize("folder", ["java"], indirect=True)
def test_the_java_client_works_on_a_live_gateway(folder: Path, live: dict[str, str], later: str) -> None:
    classes, path = folder / "classes", str(jars() / "*")
    sources = [str(source) for source in (*(folder / "client/src/main/java").rglob("*.java"), folder / "Journey.java")]
    javac = ["javac", "-nowarn", "-encoding", "UTF-8", "-d", str(classes), "-cp", path, *sources]
    run(javac, folder, seconds=COMPILE_SECONDS)
    command = ["java", "-Dfile.encoding=UTF-8", "-cp", f"{classes}:{path}", "Journey"]
    assert expected("java") == played(command, folder, live, later, "java")


@pytest.mark.go
@pytest.mark.parametrize("folder", ["go"], indirect=True)
def test_the_go_client_works_on_a_live_gateway(folder: Path, live: dict[str, str], later: str) -> None:
    """It imports nothing but Go's own library."""
    environ = {
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local",
        "HOME": os.environ.get("HOME", str(folder)),
    }
    run(["go", "build", "-o", "journey", "."], folder, environ=environ, seconds=COMPILE_SECONDS)
    assert expected("go") == played(["./journey"], folder, live, later, "go")


@pytest.mark.guzzle
@pytest.mark.parametrize("folder", ["php"], indirect=True)
def test_the_php_client_works_on_a_live_gateway(folder: Path, live: dict[str, str], later: str) -> None:
    """Warnings and notices are errors."""
    assert expected("php") == played(["php", "journey.php"], folder, live, later, "php")


@pytest.mark.node
@pytest.mark.parametrize("folder", ["typescript-fetch"], indirect=True)
def test_the_typescript_fetch_client_works_on_a_live_gateway(folder: Path, live: dict[str, str], later: str) -> None:
    """It is type-checked strictly first."""
    (folder / "package.json").write_text('{"type": "commonjs"}')
    run([str(node_modules() / ".bin" / "tsc"), "-p", "tsconfig.json"], folder, seconds=COMPILE_SECONDS)
    assert expected("typescript-fetch") == played(["node", "out/journey.js"], folder, live, later, "typescript-fetch")


@pytest.mark.parametrize("folder", ["python"], indirect=True)
def test_the_python_client_works_on_a_live_gateway(folder: Path, live: dict[str, str], later: str) -> None:
    path = f"{python_packages()}:{folder / 'client'}"
    command = [sys.executable, "generated.py"]
    assert expected("python-generator") == played(command, folder, live, later, "python-generator", PYTHONPATH=path)
