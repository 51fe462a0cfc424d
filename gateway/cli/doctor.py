"""``passerelle doctor``: check whether this machine, the settings and the log can run the gateway."""

import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import aiohttp
import typer
from rich.text import Text

from gateway.bootstrap.doctor import examine_secrets
from gateway.bootstrap.log import log_path, open_log
from gateway.bootstrap.notices import relay_of
from gateway.cli.console import FAILED, OUT, asynchronous
from gateway.cli.doctor_files import examine_copies, examine_log_file
from gateway.errors import LogDamagedError, LogError, SettingsError
from gateway.federation.checks import Diagnosis, State
from gateway.federation.doctor import (
    examine_disk,
    examine_exposure,
    examine_imprint,
    examine_mail,
    examine_open_log,
    nearest_existing,
)
from gateway.runtime.listening import bind, format_endpoint, reason
from gateway.settings import Settings

_MARKS: dict[State, tuple[str, str]] = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
_LOG_SECONDS = 20.0


@asynchronous
async def doctor() -> None:
    """Check settings, disk, folders, ports, log, topics and clock, and print the next step for each problem.

    Changes nothing. Ends with 0 when the gateway can run (warnings included), 1 when it cannot.
    """
    findings = await _examine()
    for finding in findings:
        sign, colour = _MARKS[finding.state]
        OUT.print(Text.assemble((f"{sign} {finding.about}: ", colour), finding.message))
        if finding.step:
            OUT.print(Text(f"    next step: {finding.step}"))
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(FAILED)


async def _examine() -> list[Diagnosis]:
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        return [Diagnosis("fail", "settings", f"{error}.", "correct the variable, then run passerelle doctor again")]
    settings = replace(settings, data=settings.data.absolute())  # an absolute path reveals a wrong working folder
    where = f"Kafka at {settings.kafka}" if settings.kafka else f"the embedded log in {settings.data}"
    findings = [Diagnosis("ok", "settings", f"readable; {where}"), *examine_secrets(settings)]
    findings += [*examine_exposure(settings), *examine_imprint(settings), await examine_mail(relay_of(settings))]
    data = settings.data
    folders = {"data folder": data, "spool folder": data / "spool", "views folder": data / "views"}
    findings += [
        *(_examine_folder(about, folder) for about, folder in folders.items()),
        examine_disk(data),
        await _examine_port("port", settings.host, settings.port, "PASSERELLE_PORT", "/.well-known/passerelle"),
    ]
    host, port = settings.management_host, settings.management_port
    findings.append(await _examine_port("management port", host, port, "PASSERELLE_MANAGEMENT_PORT", "/readyz"))
    if settings.kafka is None:
        findings.append(await asyncio.to_thread(examine_log_file, log_path(settings)))
    findings += await asyncio.to_thread(lambda: list(examine_copies(data)))
    return findings + await _examine_log(settings)


def _examine_folder(about: str, folder: Path) -> Diagnosis:
    """Check that files can be created in a folder, or in its nearest existing ancestor."""
    existing = nearest_existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        step = f"let this user write to {existing}, or set PASSERELLE_DATA to another folder"
        return Diagnosis("fail", about, f"{folder} cannot be written ({error.strerror})", step)
    return Diagnosis("ok", about, f"{folder} is writable" if existing == folder else f"{folder} will be created")


async def _examine_port(about: str, host: str, port: int, variable: str, path: str) -> Diagnosis:
    """Check that a port is free, or used by a running gateway."""
    if port == 0:
        return Diagnosis("ok", about, "any free one")
    endpoint = format_endpoint(host, port)
    try:
        with bind(host, port):
            return Diagnosis("ok", about, f"{endpoint} is free")
    except OSError as error:
        why = reason(error)
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
            session.get(f"http://{format_endpoint(reached, port)}{path}") as response,
        ):
            body = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        body = None
    if not isinstance(body, dict):
        step = f"free it, or set {variable} to another port"
        return Diagnosis("fail", about, f"{endpoint} cannot be listened on ({why})", step)
    if body.get("ready") is False:
        step = "wait a moment; if it stays so, read the gateway's log lines"
        message = f"a gateway runs on {endpoint} but is not ready: {', '.join(body.get('missing', ()))}"
        return Diagnosis("warn", about, message, step)
    return Diagnosis("ok", about, f"a gateway runs on {endpoint}")


async def _examine_log(settings: Settings) -> list[Diagnosis]:
    if settings.kafka is None and not log_path(settings).exists():
        return [Diagnosis("ok", "log", "none yet; passerelle serve creates it")]
    try:
        async with asyncio.timeout(_LOG_SECONDS), open_log(settings, make=False) as log:
            return await examine_open_log(log)
    except TimeoutError:
        message = f"no answer within {_LOG_SECONDS:.0f} s"
    except LogDamagedError as error:
        return [Diagnosis("fail", "log", str(error), "restore it: docs/mend.md, “Restore”")]
    except SettingsError as error:
        return [Diagnosis("fail", "log", str(error), "correct the file's mode, then run passerelle doctor again")]
    except LogError as error:
        message = str(error)
    step = (
        "check PASSERELLE_KAFKA, the network and the broker" if settings.kafka else "check which process uses the file"
    )
    return [Diagnosis("fail", "log", message, step)]
