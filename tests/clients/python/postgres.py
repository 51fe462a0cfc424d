"""PostgreSQL's own server (Debian's ``postgresql``) in a folder of its own, on a socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SETTINGS = ("listen_addresses=", "fsync=off", "max_connections=20", "shared_buffers=16MB")


def programs() -> Path | None:
    """The folder of the newest server's programs."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((one for one in reversed(folders) if (one / "initdb").exists()), None)


def missing() -> str | None:
    return None if programs() else "PostgreSQL's server is missing (apt-get install postgresql)."


@contextmanager
def server() -> Iterator[str]:
    """A running server: the connection string of its superuser."""
    found = programs()
    assert found is not None
    # Its programs refuse to run as root: they get the account of the package, or another without rights.
    account = next(one for one in pwd.getpwall() if one.pw_name in {"postgres", "nobody"}) if os.getuid() == 0 else None
    owner: dict[str, Any] = (
        {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    )
    folder = Path(tempfile.mkdtemp(prefix="passerelle-postgres-", dir="/tmp"))  # a short path, for the socket
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    try:
        command: list[str | Path] = [
            found / "initdb",
            "-D",
            data,
            "-U",
            "test",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **owner)
        options = [word for setting in _SETTINGS for word in ("-c", setting)]
        with subprocess.Popen(
            [found / "postgres", "-D", data, "-k", folder, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            **owner,
        ) as process:
            try:
                assert process.stdout is not None
                assert any("ready to accept connections" in line for line in process.stdout), "it does not start"
                yield f"postgresql://test@/postgres?host={folder}"
            finally:
                process.terminate()
                process.communicate()
    finally:
        shutil.rmtree(folder)
