"""The image: built, small, without what an attacker could use, and it serves as a user without rights."""

import os
import re
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.broker import free_ports
from tests.deploy.image import Buildah

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]
MAX_BYTES = 200_000_000
TOOLS = {"ar", "as", "c++", "cc", "curl", "g++", "gcc", "git", "ld", "make", "nc", "pip", "pip3", "ssh", "wget"}
SECRET = re.compile(r"\.(pem|key|jwk|jws|p12|env|sqlite)$|^(\.git|\.ssh|\.netrc|\.pypirc|id_[a-z0-9]+|secret|\.env)$")
KEYS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
USER = 10001


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    built = Buildah(tmp_path_factory.mktemp("image"))
    yield built
    built.remove()


@pytest.fixture(scope="module")
def settings(buildah: Buildah) -> dict[str, Any]:
    """The configuration of the built image."""
    return buildah.build()


@pytest.fixture(scope="module")
def container(buildah: Buildah, settings: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    assert settings
    with buildah.container() as found:
        yield found


def files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file and folder of the image, by its path in it."""
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder) / name
            yield Path("/") / path.relative_to(root), path.lstat()


def test_the_image_is_small(container: tuple[str, Path]) -> None:
    size = sum(found.st_size for _, found in files(container[1]) if stat.S_ISREG(found.st_mode))
    assert size <= MAX_BYTES, f"{size:,} bytes"


def test_it_starts_as_a_user_by_number_that_is_not_root(settings: dict[str, Any]) -> None:
    config = settings["config"]
    assert (f"{USER}:{USER}", "/data", "SIGTERM") == (config["User"], config["WorkingDir"], config["StopSignal"])
    assert (["passerelle"], ["serve"]) == (config["Entrypoint"], config["Cmd"])
    assert {"8080/tcp", "8081/tcp"} == set(config["ExposedPorts"])
    assert "/healthz" in config["Healthcheck"]["Test"][-1]


def test_nothing_builds_or_fetches_software_in_it(container: tuple[str, Path]) -> None:
    found = list(files(container[1]))
    assert [] == [path for path, _ in found if path.parent.name in {"bin", "sbin"} and path.name in TOOLS]
    modules = {path.name for path, _ in found if path.parent.name in {"site-packages", "dist-packages"}}
    assert "gateway" in modules
    assert set() == {"pip", "setuptools", "wheel", "conformance", "tests"} & modules
    assert not any(path.name == "ensurepip" for path, _ in found)


def test_no_secret_and_no_cache_is_in_it(container: tuple[str, Path], settings: dict[str, Any]) -> None:
    root = container[1]
    inside = [path for path, _ in files(root)]
    ours = [path for path in inside if path.parts[1] in {"opt", "data", "root", "src", "home", "run", "tmp", "srv"}]
    names = [path for path in ours if SECRET.search(path.name)]
    assert [] == [path for path in names if "site-packages" not in path.parts or path.suffix != ".pem"]
    texts = [
        path for path in ours if path.suffix in {".pem", ".key", ".txt", ".json", ".conf", ""} and path not in names
    ]
    held = [
        path for path in texts if (root / str(path)[1:]).is_file() and KEYS.search((root / str(path)[1:]).read_bytes())
    ]
    assert [] == held
    assert [] == [path for path in inside if path.parts[1] in {"src", "tmp", "data", "root"} and len(path.parts) > 2]
    assert [] == [path for path in inside if path.is_relative_to("/var/lib/apt/lists") and path.suffix == ".gz"]
    assert [] == [path for path in inside if path.suffix in {".deb", ".whl"}]
    conf = root / "etc/pip.conf"
    assert not conf.exists() or b"" == conf.read_bytes(), "a mount point, without the settings of the build"
    assert not re.search("SECRET|PASSWORD|TOKEN|CERT", str(settings["config"]["Env"]) + str(settings["history"]))


def test_its_user_can_alter_its_data_and_nothing_else(container: tuple[str, Path]) -> None:
    found = [(path, one) for path, one in files(container[1]) if not stat.S_ISLNK(one.st_mode)]
    assert [Path("/data")] == [path for path, one in found if USER in {one.st_uid, one.st_gid}]
    for path, one in found:
        sticky = stat.S_ISDIR(one.st_mode) and one.st_mode & stat.S_ISVTX
        assert sticky or stat.S_ISCHR(one.st_mode) or not one.st_mode & stat.S_IWOTH, path
    added = [path for path, one in found if path.parts[1] == "opt" and one.st_mode & (stat.S_ISUID | stat.S_ISGID)]
    assert [] == added


def test_it_serves_and_stops(buildah: Buildah, container: tuple[str, Path], settings: dict[str, Any]) -> None:
    """With the entry point of the image; a second command sees the same log."""
    name, _ = container
    port, management = map(str, free_ports(2))
    config = settings["config"]
    own = {"PASSERELLE_PORT": port, "PASSERELLE_MANAGEMENT_PORT": management, "PASSERELLE_HOST": "127.0.0.1"}
    own["PASSERELLE_MANAGEMENT_HOST"] = "127.0.0.1"
    with buildah.running(name, [*config["Entrypoint"], *config["Cmd"]], **own) as process:
        assert 200 == readiness(process, f"http://127.0.0.1:{management}/readyz")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/.well-known/passerelle", timeout=20) as answer:
            assert 200 == answer.status
        rights = owners(process.pid)
        assert {USER} == {user for user, command in rights if "passerelle" in command and "serve" in command}
        process.terminate()
        output = process.communicate(timeout=60)[0]
    assert b"gateway.started" in output


def readiness(process: Any, url: str) -> int:
    """The status of this address, as soon as it is 200."""
    for _ in range(1_200):
        assert process.poll() is None, process.communicate()[0]
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return int(answer.status)
        except OSError:
            time.sleep(0.05)
    return 0


def owners(parent: int) -> list[tuple[int, str]]:
    """User and command line of each process below this one that runs Python from the image."""
    parents, found = {parent}, []
    for _ in range(6):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) in parents:
                    parents.add(int(folder.name))
            except OSError:
                continue
    for pid in parents - {parent}:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if "buildah" not in words:
                found.append((Path(f"/proc/{pid}").stat().st_uid, words))
        except OSError:
            continue
    return found
