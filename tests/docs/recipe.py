"""The recipes of docs/recipes as commands, what they need on the machine, and an HTTP front that loses answers."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from demo.broker import free_ports
from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings
from tests.harness import until

FOLDER = Path(__file__).parents[2] / "docs/recipes"
SECONDS = 60
"""Deadline of one run."""

PUBLISH: Mapping[str, Sequence[str]] = {
    "php": ("php", "publier.php"),
    "node": ("node", "publier.mjs"),
    "curl": ("bash", "publier.sh"),
}
FOLLOW: Mapping[str, Sequence[str]] = {
    "php": ("php", "suivre.php"),
    "node": ("node", "suivre.mjs"),
    "curl": ("bash", "suivre.sh"),
}
RECEIVE: Mapping[str, Sequence[str]] = {
    "php": ("php", "recevoir.php"),
    "node": ("node", "recevoir.mjs"),
}
"""Language → interpreter and script."""

_COMMANDS = {"php": "php-cli", "node": "nodejs", "curl": "curl", "sqlite3": "sqlite3", "bash": "bash"}
_EXTENSIONS = {"curl": "php-curl", "pdo_sqlite": "php-sqlite3"}
_HOP_BY_HOP = frozenset({"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"})


def unavailable() -> str | None:
    """What is not installed, as Debian packages; None if all is."""
    missing = [package for command, package in _COMMANDS.items() if shutil.which(command) is None]
    if "php-cli" not in missing:
        loaded = subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout.lower().split()
        missing += [package for extension, package in _EXTENSIONS.items() if extension not in loaded]
    return f"apt-get install {' '.join(missing)}: the recipes need them." if missing else None


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run of a recipe."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Account:
    """One partner's environment for the recipes."""

    url: str
    platform: str
    secret: str
    folder: Path

    async def run(self, command: Sequence[str], *arguments: str) -> Run:
        """Run a recipe in the account's folder. Raises TimeoutError."""
        interpreter, script = command
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        environ |= {"PASSERELLE_URL": self.url, "PASSERELLE_CLIENT_ID": self.platform}
        process = await asyncio.create_subprocess_exec(
            interpreter,
            str(FOLDER / script),
            *arguments,
            env=environ | {"PASSERELLE_CLIENT_SECRET": self.secret},
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Run(process.returncode, output.decode(), errors.decode())


@asynccontextmanager
async def opened_accounts(folder: Path, **settings: Any) -> AsyncIterator[tuple[Account, Account]]:
    """A publisher and a subscriber of one gateway."""
    chosen = Settings(data=folder / "data", port=0, management_port=0, **settings)
    secrets = [mint_secret(now=clock.now(), entropy=os.urandom) for _ in range(2)]
    async with AsyncExitStack() as stack:
        async with open_log(chosen) as log:
            partners = Partners(log)
            for slug, secret in zip(("bretagne", "normandie"), secrets, strict=True):
                scopes = frozenset({"offers:publish", "offers:read"})
                await partners.save(Partner(platform=slug, name=slug, scopes=scopes, secrets=(secret.kept,)))
            await partners.close()
        gateway = await stack.enter_async_context(running(chosen))
        publisher, subscriber = (
            Account(gateway.url, slug, secret.text, folder)
            for slug, secret in zip(("bretagne", "normandie"), secrets, strict=True)
        )
        yield publisher, subscriber


@dataclass
class Receiver:
    """A recipe that receives pushes. ``copy``: the file of its copy; ``lines``: what it has logged."""

    language: str
    folder: Path
    secrets: str = ""
    copy: str = "copie.db"
    port: int = field(default_factory=lambda: free_ports(1)[0])
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address that it listens at."""
        return f"http://127.0.0.1:{self.port}/in?key=s3cret"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Receiver"]:
        """Run it until the block ends, which kills it. Raises TimeoutError."""
        interpreter, script = RECEIVE[self.language]
        served = [interpreter, "-S", f"127.0.0.1:{self.port}", str(FOLDER / script)]
        listening = served if self.language == "php" else [interpreter, str(FOLDER / script), self.copy, str(self.port)]
        process = await asyncio.create_subprocess_exec(
            *listening,
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "PASSERELLE_COPIE": self.copy and str(self.folder / self.copy),
                "PASSERELLE_SECRETS": self.secrets,
            },
            cwd=self.folder,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        reading = asyncio.create_task(self._read(process.stderr))
        try:
            await until(self._answers, seconds=SECONDS)
            yield self
        finally:
            process.kill()
            await process.wait()
            await reading

    async def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of a push."""
        async with aiohttp.ClientSession() as session, session.post(self.url, data=body, headers=headers) as answer:
            return answer.status

    async def _read(self, errors: asyncio.StreamReader) -> None:
        async for line in errors:
            self.lines.append(line.decode())

    async def _answers(self) -> bool:
        with suppress(aiohttp.ClientError):
            return await self.post(b"", {}) == HTTPStatus.UNAUTHORIZED
        return False


@dataclass
class Front:
    """Forwards requests to a gateway. The first request for a path of ``losing`` is carried out, but answered 503; the
    next ones for a path of ``refusing`` get its statuses, and are not carried out.
    """

    gateway: str
    losing: set[str] = field(default_factory=set)
    refusing: dict[str, list[int]] = field(default_factory=dict)
    url: str = ""
    seen: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list)
    """Path, query and idempotency key of each request."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Front"]:
        """Listen on a free port; ``url`` is the address."""
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def _forward(self, request: web.Request) -> web.Response:
        self.seen.append((request.path, dict(request.query), request.headers.get("Idempotency-Key", "")))
        if self.refusing.get(request.path):
            status = self.refusing[request.path].pop(0)
            return web.json_response({"detail": "occupé"}, status=status, headers={"Retry-After": "1"})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in {"host", "expect"}}
        async with (
            aiohttp.ClientSession(self.gateway) as session,
            session.request(request.method, request.raw_path, headers=headers, data=await request.read()) as answer,
        ):
            body = await answer.read()
        if request.path in self.losing:
            self.losing.discard(request.path)
            return web.Response(status=503, headers={"Retry-After": "0"})
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return web.Response(status=answer.status, headers=kept, body=body)
