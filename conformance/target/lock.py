"""Lock: one run at a time on this machine for each account, and for each address that the kit listens on."""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from conformance import clock
from conformance.target.setup import Setup, SetupError
from conformance.words import Texts, say

_FCNTL: Any = import_module("fcntl") if find_spec("fcntl") else None
"""None on a system without file locks: the mark at the gateway and the port decide alone."""
_MAX_BYTES = 1_000


def holder_here() -> dict[str, str]:
    """This run, as another one names it: machine, process, start."""
    return {"machine": platform.node()[:40] or "?", "process": str(os.getpid()), "since": clock.now()}


def in_use(setup: Setup, account: str, holder: Texts) -> SetupError:
    """The error that another run uses an account."""
    name = setup.target or setup.role
    text = say("account-in-use", account=account, target=name, holder=holder)
    return SetupError(text, step=say("in-use-step"), code="account-in-use")


def named(machine: str, process: str, since: str) -> Texts:
    """A run in the form of a message."""
    return say("other-run", machine=machine, process=process, since=since)


@contextmanager
def running_alone(setup: Setup) -> Iterator[None]:
    """Hold the locks of the run's accounts and address. Raises SetupError where another run holds one.

    An account belongs to a gateway or, where the kit plays the gateway, to the program behind the test interface;
    without one it is the address's. The system releases the locks of a process that dies.
    """
    with ExitStack() as stack:
        belongs_to = setup.target or setup.control or ""
        for name, account in sorted(setup.accounts.items()) if belongs_to else ():
            if setup.role == "gateway" and name not in {"publisher", "neighbour"}:
                continue  # accounts that only read disturb no other run
            key = ("account", setup.role, belongs_to, account.platform, account.client_id)
            holder = stack.enter_context(_held(key))
            if holder is not None:
                raise in_use(setup, account.client_id, holder)
        if not setup.target and not setup.listen.endswith(":0"):
            holder = stack.enter_context(_held(("listen", setup.listen)))
            if holder is not None:
                text = say("port-in-use", listen=setup.listen, holder=holder)
                raise SetupError(text, step=say("in-use-step"), code="port-in-use")
        yield


@contextmanager
def _held(key: tuple[str, ...]) -> Iterator[Texts | None]:
    """Hold the lock of a key; yields the other run where one holds it. Without file locks it yields None."""
    handle = _opened(hashlib.sha256("\n".join(key).encode()).hexdigest()[:32])
    if handle is None:
        yield None
        return
    try:
        if not _locked(handle):
            yield _read(handle)
            return
        _write(handle)
        yield None
    finally:
        os.close(handle)


def _opened(name: str) -> int | None:
    """The lock file, in the folder for temporary files; one of another user can be locked, but not written."""
    path = Path(tempfile.gettempdir()) / f"passerelle-conformance-{name}.lock"
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    for more, mode in ((os.O_CREAT | os.O_RDWR, 0o644), (os.O_RDONLY, 0)):
        try:
            return os.open(path, flags | more, mode)
        except OSError:
            continue
    return None


def _locked(handle: int) -> bool:
    if _FCNTL is None:
        return True
    try:
        _FCNTL.flock(handle, _FCNTL.LOCK_EX | _FCNTL.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _write(handle: int) -> None:
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(holder_here()).encode(), 0)
    except OSError:
        return


def _read(handle: int) -> Texts:
    try:
        found = json.loads(os.pread(handle, _MAX_BYTES, 0))
        return named(str(found["machine"]), str(found["process"]), str(found["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return named("?", "?", "?")
