"""Kafka's jars: fetched once from Maven Central, cached in ``PASSERELLE_KAFKA_CACHE`` (default ``.cache/kafka``)."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
JAVA_SINCE = 17
FETCH_SECONDS = 600


class JarsError(Exception):
    """The jars could not be fetched. The message holds the remedy."""


def missing() -> str | None:
    """The missing prerequisite of a local broker on this machine, as a sentence; None when it has all."""
    if shutil.which("mvn") is None and not _jars_folder().is_dir():
        return "Maven (mvn) is not installed, so Kafka's jars cannot be fetched."
    java = shutil.which("java")
    if java is None:
        return f"Java {JAVA_SINCE} or later is not installed."
    text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 (found on PATH)
    version = re.search(r'version "(?:1\.)?(\d+)', text)
    if version is None or int(version[1]) < JAVA_SINCE:
        return f"Java {JAVA_SINCE} or later is needed, this machine has: {text.splitlines()[0] if text else 'none'}."
    return None


def fetch_jars() -> Path:
    """The folder of the jars; the first call fetches them with Maven. Raises JarsError."""
    folder = _jars_folder()
    if folder.is_dir():
        return folder
    prerequisite = missing()
    if prerequisite is not None:
        raise JarsError(f"{prerequisite} Install it, or set KAFKA_BOOTSTRAP_SERVERS to a running cluster.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
        command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
        command.append(f"-DoutputDirectory={Path(fresh).resolve()}")
        done = subprocess.run(  # noqa: S603 (a fixed command)
            command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS
        )
        if done.returncode != 0:
            raise JarsError(f"Maven could not fetch Kafka's jars; is Maven Central reachable?\n{done.stdout[-2000:]}")
        Path(fresh).chmod(0o755)
        if not folder.is_dir():
            Path(fresh).rename(folder)
            Path(fresh).mkdir()
    return folder


def _jars_folder() -> Path:
    """The cache folder, named by the pom's digest: a new version is fetched again."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return Path(os.environ.get("PASSERELLE_KAFKA_CACHE", ".cache/kafka")) / f"jars-{digest}"
