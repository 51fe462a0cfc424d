"""openapi-generator at a locked version, with what its Java client imports, and the compilers of its clients.

``requirements/contract/pom.xml`` names the jars and ``java.sha256`` their digests; Maven fetches them once.
"""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from tests.clients.tools import FETCH_SECONDS, LOCKS, cached, run

JDK_SINCE = 17
POM = LOCKS / "pom.xml"
DIGESTS = LOCKS / "java.sha256"


def generator_missing() -> str | None:
    """What openapi-generator and its Java client lack on this machine, as a sentence; None for nothing."""
    lacking = [program for program in ("java", "javac", "mvn") if shutil.which(program) is None]
    if lacking:
        return (
            f"A JDK ({JDK_SINCE} or later) and Maven are needed for openapi-generator; {', '.join(lacking)} not found."
        )
    version = re.search(r"javac (?:1\.)?(\d+)", _said("javac", "-version"))
    if version is None or int(version[1]) < JDK_SINCE:
        return f"A JDK {JDK_SINCE} or later is needed for openapi-generator, this machine has another one."
    return None


def go_missing() -> str | None:
    """As ``generator_missing``, for its Go client."""
    return "Go 1.18 or later is not installed." if shutil.which("go") is None else None


def guzzle_missing() -> str | None:
    """As ``generator_missing``, for its PHP client, which imports Guzzle (Debian's php-guzzlehttp-guzzle)."""
    found = (
        "" if shutil.which("php") is None else _said("php", "-r", "require 'GuzzleHttp/autoload.php'; mb_strlen('');")
    )
    return None if found == "" and shutil.which("php") else "PHP 8 with mbstring and Guzzle 7 is not installed."


def jars() -> Path:
    """The folder of the jars. Raises AssertionError for a jar that is not the locked one."""

    def fetch(folder: Path) -> Path:
        target = folder / "jars"
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
        run(["mvn", "-q", "-B", "-f", str(POM), *copy], folder, seconds=FETCH_SECONDS)
        found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in target.iterdir()}
        lines = DIGESTS.read_text(encoding="utf-8").splitlines()
        locked = {name: digest for digest, name in (line.split() for line in lines)}
        assert locked == found, "the jars are not those of java.sha256"
        return target

    return cached("jars", POM.read_bytes() + DIGESTS.read_bytes(), fetch)


def generate(document: Path, generator: str, folder: Path) -> str:
    """Write a client into ``folder`` with the generator's default options; the generator's output."""
    (jar,) = jars().glob("openapi-generator-cli-*.jar")
    command = ["java", "-jar", str(jar), "generate", "-i", str(document), "-g", generator, "-o", str(folder)]
    return run(command, folder.parent)


def _said(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    print(jars())  # noqa: T201 - for CI
