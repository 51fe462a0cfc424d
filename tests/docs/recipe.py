"""The recipes of docs/recipes as commands, what they need on the machine, and an HTTP front that loses answers."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

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
