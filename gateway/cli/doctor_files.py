"""Checks of ``passerelle doctor`` on the files of the data folder: the embedded log and the local copies."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gateway.bootstrap.files import local_copies
from gateway.federation.checks import Diagnosis
from gateway.log.sqlite.examine import VersionError, examine_copy, examine_log
from gateway.runtime.sqlite_damage import Tables, is_damage


def examine_log_file(path: Path) -> Diagnosis:
    """Check every page and every checksum of the log."""
    if not path.exists():
        return Diagnosis("ok", "log file", "none yet; passerelle serve creates it")
    restore = "stop the gateway and restore the file: docs/mend.md, “Restore”"
    try:
        examine_log(path)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if is_damage(error):
            return Diagnosis("fail", "log file", f"{path} is damaged ({error})", restore)
        return Diagnosis("fail", "log file", f"{path} cannot be read ({error})", f"check the rights of {path}")
    return Diagnosis("ok", "log file", f"{path} is intact")


def examine_copies(data: Path) -> Iterator[Diagnosis]:
    """Check every page and checksum of the existing local copies. A damaged copy is rebuilt; no data is lost."""
    intact = 0
    for path, tables, version in local_copies(data):
        finding = _examine_copy(path, tables, version)
        if finding is None:
            intact += 1
        else:
            yield finding
    if intact:
        yield Diagnosis("ok", "local copies", f"{intact} in {data} are intact")


def _examine_copy(path: Path, tables: Tables, version: int) -> Diagnosis | None:
    """The finding of one copy; None if it is intact."""
    step = f"none is needed: the gateway rebuilds it from the log; if it stays so, stop the gateway and remove {path}"
    try:
        examine_copy(path, tables, version)
    except VersionError:
        return Diagnosis("warn", "local copies", f"{path} is of another version of the gateway", step)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if is_damage(error):
            return Diagnosis("warn", "local copies", f"{path} is damaged ({error})", step)
        return Diagnosis("warn", "local copies", f"{path} cannot be read ({error})", f"check the rights of {path}")
    return None
