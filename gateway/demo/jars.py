"""Kafka's jars: they come from Maven Central once and stay in ``PASSERELLE_KAFKA_CACHE`` (default ``.cache/kafka``)."""

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
    """The jars could not be fetched. The message says what to look at next."""


def missing() -> str | None:
    """What this machine lacks for a local broker, as a sentence; None when nothing."""
    if shutil.which("mvn") is None and not _jars_folder().is_dir():
        return "Maven (mvn) is not installed, so Kafka's jars cannot be fetched."
    java = shutil.which("java")
    if java is None:
        return f"Java {JAVA_SINCE} or later is not installed."
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 (found on PATH)
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    if version is None or int(version[1]) < JAVA_SINCE:
        return f"Java {JAVA_SINCE} or later is needed, this machine has: {told.splitlines()[0] if told else 'none'}."
    return None


def fetch_jars() -> Path:
    """The folder with the jars; Maven fetches them the first time. Raises JarsError."""
    folder = _jars_folder()
    if folder.is_dir():
        return folder
    lack = missing()
    if lack is not None:
        raise JarsError(f"{lack} Install it, or set KAFKA_BOOTSTRAP_SERVERS to a running cluster.")
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
    """Named by the content of the pom, so that a new version is fetched anew."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return Path(os.environ.get("PASSERELLE_KAFKA_CACHE", ".cache/kafka")) / f"jars-{digest}"
