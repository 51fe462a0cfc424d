"""The independent programs, whole or with a few lines changed, each in a process of its own."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from conformance.target.setup import Setup, TargetAccount
from tests.conformance.gateway_fixture import HOST, SCOPES, SLUGS

PROGRAMS = Path(__file__).parent / "independent"
ABSENT = ("batch", "snapshots", "idempotency", "moderation", "reference", "exports", "bounds", "restart")
"""Features that the gateway leaves out, declared as ``conformance.toml`` has it."""
SECRET = "essai-secret"
STARTED_WITHIN = 60


def unavailable() -> str | None:
    """Why the programs cannot run here; None if they can."""
    missing = [command for command in ("node", "sqlite3") if shutil.which(command) is None]
    if missing:
        return f"independent programs: no {' and no '.join(missing)} on the path"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    major = int(version.removeprefix("v").partition(".")[0])
    return None if major >= 20 else f"independent programs: Node 20 is needed, {version} is there"


def report_missing(fail: Any, skip: Any) -> None:
    """Skip where the programs cannot run; fail there with CI=true."""
    reason = unavailable()
    if reason:
        (fail if os.environ.get("CI") == "true" else skip)(reason)


@asynccontextmanager
async def running(program: str, folder: Path, *, code: Path = PROGRAMS, **configuration: Any) -> AsyncIterator[str]:
    """The program in a process of its own; gives the address that it prints."""
    configured = folder / f"{program}.json"
    configured.write_text(json.dumps(configuration), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        "node", str(code / f"{program}.mjs"), str(configured), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTED_WITHIN):
            address = (await process.stdout.readline()).decode().strip()
        assert address.startswith("http://127.0.0.1:"), f"{program} does not start"
        yield address
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def running_gateway(
    folder: Path, *, code: Path = PROGRAMS, subscriber: Mapping[str, Any] | None = None, **configuration: Any
) -> AsyncIterator[Setup]:
    """The gateway, and the set-up that the kit needs for it; ``subscriber`` has other members of that account."""
    slugs = {**SLUGS, "subscriber": (subscriber or {}).get("platform", SLUGS["subscriber"])}
    accounts = [
        {
            "platform": slug,
            "secret": SECRET,
            "scopes": sorted(SCOPES[name]),
            **({"hosts": [HOST], **(subscriber or {})} if name == "subscriber" else {}),
        }
        for name, slug in slugs.items()
    ]
    async with running("gateway", folder, code=code, accounts=accounts, **configuration) as target:
        yield Setup(
            role="gateway",
            target=target,
            profile="core",
            accounts={
                name: TargetAccount(
                    platform=slug,
                    client_id=slug,
                    secret=SECRET,
                    host=HOST if name == "subscriber" else None,
                    territory=tuple((subscriber or {}).get("territory", ())) if name == "subscriber" else (),
                )
                for name, slug in slugs.items()
            },
            features=dict.fromkeys(ABSENT, False),
        )
