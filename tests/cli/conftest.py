"""The command as users run it: a process of its own, against a gateway that runs in the test."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from gateway import clock
from gateway.bootstrap.gateway import Gateway, running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings
from tests.fork_server import fork

SECONDS = 100


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Shell:
    """Runs ``passerelle`` in a folder, with these variables only."""

    folder: Path
    environ: Mapping[str, str]

    async def __call__(self, *words: object, give: bytes = b"", **environ: str) -> Ended:
        with ExitStack() as opened:
            stdin, output, errors = (opened.enter_context(TemporaryFile()) for _ in range(3))
            stdin.write(give)
            stdin.seek(0)
            process = await fork(
                *map(str, words),
                folder=self.folder,
                environ={**self.environ, **environ},
                files=(stdin.fileno(), output.fileno(), errors.fileno()),
            )
            code = await process.wait_or_kill(SECONDS)
            output.seek(0)
            errors.seek(0)
            return Ended(code, output.read().decode(), errors.read().decode())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell with an empty folder and no settings."""
    root = str(Path(__file__).parents[2])
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    return Shell(tmp_path, environ)


@dataclass(frozen=True)
class RunningGateway:
    """A running gateway, its settings, and a shell that is the partner Bretagne."""

    gateway: Gateway
    settings: Settings
    shell: Shell


@pytest.fixture
async def running_gateway(shell: Shell) -> AsyncIterator[RunningGateway]:
    settings = Settings(data=shell.folder / "data", port=0, management_port=0, log_level="warning")
    secret = mint_secret(now=clock.now(), entropy=os.urandom)
    async with open_log(settings) as log:
        partners = Partners(log)
        scopes = frozenset({"offers:publish", "offers:read"})
        await partners.save(Partner(platform="bretagne", name="Bretagne", scopes=scopes, secrets=(secret.kept,)))
        await partners.close()
    async with running(settings) as gateway:
        known = {
            "PASSERELLE_URL": gateway.url,
            "PASSERELLE_CLIENT_ID": "bretagne",
            "PASSERELLE_CLIENT_SECRET": secret.text,
        }
        yield RunningGateway(gateway, settings, Shell(shell.folder, {**shell.environ, **known}))
