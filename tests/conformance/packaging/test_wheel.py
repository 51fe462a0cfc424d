"""The kit's own wheel: in a project that has folders ``schemas`` and ``gateway`` of its own, and without our other
packages; its bytes depend on the commit alone.
"""

import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from conformance.packaging.build import ROOT, build, needed, rewrite
from conformance.target.topic import EXTRA

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own, as an installer would unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    build(folder)
    [wheel] = folder.glob("passerelle_conformance-*.whl")
    with ZipFile(wheel) as content:
        content.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A partner's project, in which ``schemas``, ``conformance`` and ``gateway`` are something else."""
    for name in ("schemas", "conformance", "gateway", "adapters"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('the partner\\'s own package')\n")
    return tmp_path


def run(installed: Path, project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PYTHONPATH": os.pathsep.join([str(project), str(installed)]),
        "PATH": os.environ["PATH"],
        "COLUMNS": "200",
    }
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def kit(installed: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    start = "import sys; from passerelle_conformance.cli.app import main; sys.argv[0] = 'kit'; main()"
    return run(installed, project, sys.executable, "-c", start, *arguments)


def test_the_wheel_holds_the_kit_and_a_private_copy_of_the_schemas(installed: Path) -> None:
    package = installed / "passerelle_conformance"
    assert [] == [
        name
        for name in (
            "cases/base.json",
            "_schemas/json/offer.schema.json",
            "_gateway/mock/host.py",
            "_gateway/words.json",
            "_adapters/rendering/__init__.py",
            "report/page.css",
            "report/page.html",
            "_schemas/requirements.json",
            "words.json",
            "py.typed",
        )
        if not (package / name).is_file()
    ]
    assert ["passerelle_conformance"] == sorted(
        each.name for each in installed.iterdir() if not each.name.endswith(".dist-info")
    )
    left_out = ("packaging", "_gateway/cli", "_gateway/pages/site.py", "_adapters/national", "_adapters/formats")
    assert [] == [name for name in left_out if (package / name).exists()]


def test_nothing_in_it_imports_our_packages_by_their_old_names(installed: Path, project: Path) -> None:
    look = (
        "import pkgutil, importlib, sys, passerelle_conformance as kit\n"
        "names = [each.name for each in pkgutil.walk_packages(kit.__path__, 'passerelle_conformance.')]\n"
        "[importlib.import_module(name) for name in names if 'build_' not in name]\n"
        "print(len(names), sorted({'schemas', 'conformance', 'gateway', 'adapters'} & set(sys.modules)))"
    )
    done = run(installed, project, sys.executable, "-c", look)
    number, rest = done.stdout.split(" ", 1)
    assert ("[]\n", "") == (rest, done.stderr)
    sources = [path for room in ("conformance", "schemas") for path in (ROOT / room).rglob("*.py")]
    copied = [path for path in needed() if path.suffix == ".py"]
    assert int(number) == sum("packaging" not in path.parts for path in sources) - 1 + len(copied)


PUBLISHER = """role = "publisher"
[partner]
listen = "127.0.0.1:0"
observe = 1
[accounts.publisher]
platform = "bretagne"
secret_env = "PATH"
[features]
order = false
"""
SET_UP = """role = "gateway"
target = "http://127.0.0.1:1"
[accounts.national]
platform = "national"
secret_env = "PATH"
[kafka]
servers = "127.0.0.1:1"
security = "PLAINTEXT"
"""


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "aiokafka n’est pas installé"), ("en", "aiokafka is not installed")]
)
def test_a_cluster_without_aiokafka_is_an_error_with_its_remedy(
    installed: Path, project: Path, language: str, text: str
) -> None:
    (project / "conformance.toml").write_text(SET_UP)
    start = "import sys; sys.modules['aiokafka'] = None; from passerelle_conformance.cli.app import main; main()"
    done = run(installed, project, sys.executable, "-c", start, "run", "--lang", language)
    assert 3 == done.returncode, done.stdout + done.stderr
    assert text in done.stdout
    assert f'pip install "{EXTRA}"' in done.stdout


def test_the_extra_of_the_wheel_is_the_package_that_the_remedy_names() -> None:
    wheel = tomllib.loads((ROOT / "conformance/packaging/wheel.toml").read_text(encoding="utf-8"))["project"]
    assert [] == [each for each in wheel["dependencies"] if each.startswith("aiokafka")]
    assert [EXTRA] == wheel["optional-dependencies"]["kafka"]
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert EXTRA.replace("[lz4,snappy,zstd]", "") in ours


def test_the_wheel_needs_the_versions_that_the_gateway_needs() -> None:
    """Its copy of the gateway relies on the same private parts of libraries."""
    wheel = tomllib.loads((ROOT / "conformance/packaging/wheel.toml").read_text(encoding="utf-8"))["project"]
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert [] == sorted(set(wheel["dependencies"]) - set(ours))


def test_a_file_is_judged_in_a_project_with_its_own_schemas(installed: Path, project: Path) -> None:
    (project / "offers.ndjson").write_text(
        '{"id": "bretagne:1"}\n{"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}\n'
    )
    done = kit(
        installed,
        project,
        "judge",
        "offers.ndjson",
        "--lang",
        "en",
        "--report",
        "report.html",
        "--report",
        "report.json",
    )
    assert 1 == done.returncode, done.stderr
    assert "1 passed, 1 failed" in done.stdout
    page = (project / "report.html").read_text(encoding="utf-8")
    assert len(page) < 60_000
    assert "passerelle-conformance judge offers.ndjson" in page
    assert "--seed" not in page


def test_the_command_answers_without_a_network(installed: Path, project: Path) -> None:
    listed = kit(installed, project, "list")
    assert 0 == listed.returncode, listed.stderr
    assert listed.stdout.count("\n") > 700
    explained = kit(installed, project, "explain", "limits/seats-6001", "--lang", "en")
    assert "out-of-range  /seats" in explained.stdout
    assert 0 == kit(installed, project, "coverage").returncode
    assert "passerelle-conformance 1." in kit(installed, project, "--version").stdout


def test_the_wheel_hosts_a_publisher_on_its_own_gateway(installed: Path, project: Path) -> None:
    """The mock inside is the wheel's copy; a publisher that never comes is its only finding."""
    (project / "conformance.toml").write_text(PUBLISHER)
    done = kit(installed, project, "run", "--lang", "en", "--case", "watched/own-slug")
    assert 3 == done.returncode, done.stdout + done.stderr
    assert "run/no-request" in done.stdout


def built_in_a_clone(folder: Path, *, umask: int, environment: Mapping[str, str]) -> Mapping[str, bytes]:
    """The content of ``dist`` after ``make kit`` in a clone of its own. The wheels of the lock come from our cache."""
    settings = {**os.environ, **environment}
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True, umask=umask, env=settings
    )
    (folder / ".cache").symlink_to(ROOT / ".cache")
    build_command = [sys.executable, "conformance/packaging/build.py", "dist", "--pex"]
    subprocess.run(build_command, cwd=folder, check=True, umask=umask, env=settings, stdout=subprocess.DEVNULL)
    return {path.name: path.read_bytes() for path in (folder / "dist").iterdir()}


@pytest.mark.timeout(400)
def test_two_clones_of_a_commit_give_the_same_bytes(tmp_path: Path) -> None:
    """In different folders, with other umasks, locales, time zones and build environments, and files of other times."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    (tmp_path / "temporary").mkdir()
    here = built_in_a_clone(tmp_path / "a", umask=0o022, environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"})
    elsewhere = {
        "LC_ALL": "C",
        "TZ": "Pacific/Noumea",
        "SOURCE_DATE_EPOCH": "1000000000",
        "PYTHONHASHSEED": "7",
        "TMPDIR": str(tmp_path / "temporary"),
        "PEX_ROOT": str(tmp_path / "pex"),
    }
    there = built_in_a_clone(tmp_path / "ailleurs" / "b", umask=0o077, environment=elsewhere)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in here.items()}
    assert digests == {name: hashlib.sha256(content).hexdigest() for name, content in there.items()}
    sums = dict(line.split("  ")[::-1] for line in here["SHA256SUMS"].decode().splitlines())
    assert sums == {name: digest for name, digest in digests.items() if name != "SHA256SUMS"}
    assert [".json", ".pex", ".whl"] == sorted(Path(name).suffix for name in sums)


def test_every_file_of_the_wheel_can_be_read_by_all_and_has_the_commits_time(tmp_path: Path) -> None:
    with ZipFile(build(tmp_path)) as wheel:
        assert {0o100644, 0o100664} >= {entry.external_attr >> 16 for entry in wheel.infolist()}
        assert 1 == len({entry.date_time for entry in wheel.infolist()})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import schemas\n", "from passerelle_conformance import _schemas as schemas\n"),
        ("    import schemas\n", "    from passerelle_conformance import _schemas as schemas\n"),
        ("from schemas.rulebook import Language\n", "from passerelle_conformance._schemas.rulebook import Language\n"),
        ("from conformance import clock\n", "from passerelle_conformance import clock\n"),
        ("from gateway.mock.front import Asked\n", "from passerelle_conformance._gateway.mock.front import Asked\n"),
        ("from conformances import x\n", "from conformances import x\n"),
        ('"""What schemas are for."""\n', '"""What schemas are for."""\n'),
    ],
)
def test_imports_are_rewritten_and_nothing_else(source: str, expected: str) -> None:
    assert expected == rewrite(source)


def test_an_import_that_the_wheel_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"schemas\.registry"):
        rewrite("import schemas.registry\n")
