"""``passerelle doctor``: check whether this machine, the settings and the log can run the gateway."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import aiohttp
import typer
from rich.text import Text

from gateway.bootstrap import log_path, open_log, signing_key_of, topics_of
from gateway.cli.console import FAILED, OUT, asynchronous
from gateway.cli.doctor_files import Diagnosis, State, examine_copies, examine_log_file
from gateway.clock import now
from gateway.errors import LogDamagedError, LogError, SettingsError
from gateway.log.port import EventLog
from gateway.oauth.keys import KeyRing, SigningKeyError
from gateway.partners import Partners
from gateway.protocol.topic import COMMON, POSITIONS
from gateway.runtime.keys import load_secret
from gateway.runtime.listening import bind, format_endpoint, reason
from gateway.runtime.private_files import ExposedError, check_private
from gateway.settings import Settings

_MARKS: dict[State, tuple[str, str]] = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
_LOG_SECONDS = 20.0
_LOW_BYTES, _MIN_BYTES = 5 * 1024**3, 512 * 1024**2
_SKEW_MS = 2_000


@asynchronous
async def doctor() -> None:
    """Check settings, disk, folders, ports, log, topics and clock, and print the next step for each problem.

    Changes nothing. Ends with 0 when the gateway can run (warnings included), 1 when it cannot.
    """
    findings = await _examine()
    for finding in findings:
        sign, colour = _MARKS[finding.state]
        OUT.print(Text.assemble((f"{sign} {finding.about}: ", colour), finding.said), soft_wrap=True)
        if finding.step:
            OUT.print(Text(f"    next step: {finding.step}"), soft_wrap=True)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(FAILED)


async def _examine() -> list[Diagnosis]:
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        return [Diagnosis("fail", "settings", f"{error}.", "correct the variable, then run passerelle doctor again")]
    settings = replace(settings, data=settings.data.absolute())  # an absolute path reveals a wrong working folder
    where = f"Kafka at {settings.kafka}" if settings.kafka else f"the embedded log in {settings.data}"
    findings = [Diagnosis("ok", "settings", f"readable; {where}"), *_examine_secrets(settings)]
    findings += _examine_exposure(settings)
    data = settings.data
    folders = {"data folder": data, "spool folder": data / "spool", "views folder": data / "views"}
    findings += [
        *(_examine_folder(about, folder) for about, folder in folders.items()),
        _examine_disk(data),
        await _examine_port("port", settings.host, settings.port, "PASSERELLE_PORT", "/.well-known/passerelle"),
    ]
    host, port = settings.management_host, settings.management_port
    findings.append(await _examine_port("management port", host, port, "PASSERELLE_MANAGEMENT_PORT", "/readyz"))
    if settings.kafka is None:
        findings.append(await asyncio.to_thread(examine_log_file, log_path(settings)))
    findings += await asyncio.to_thread(lambda: list(examine_copies(data)))
    return findings + await _examine_log(settings)


def _examine_secrets(settings: Settings) -> Iterator[Diagnosis]:
    """Check the modes of the private files, the secret and the signing key."""
    for name in ("secret", "signing.pem", "log.sqlite"):
        path = settings.data / name
        try:
            check_private(path)
        except FileNotFoundError:
            continue
        except (ExposedError, OSError) as error:
            yield Diagnosis("fail", "private files", f"{error}", f"chmod 600 {path}")
    if settings.secret is None and (settings.data / "secret").exists():
        try:
            load_secret(None, folder=settings.data)
        except SettingsError as error:
            yield Diagnosis("fail", "secret", f"{error}", "restore the file from a backup, or remove it")
    key = signing_key_of(settings)
    if settings.signing_key is not None or key.exists():
        try:
            KeyRing.read(key)
        except SigningKeyError as error:
            step = "repair the file, or name another in PASSERELLE_SIGNING_KEY"
            yield Diagnosis("fail", "signing key", f"{error}", step)
        else:
            yield Diagnosis("ok", "signing key", f"{key} has one")


def _examine_exposure(settings: Settings) -> Iterator[Diagnosis]:
    """Find connections that would send secrets unencrypted over a network."""
    if not _is_loopback(settings.host) and not (settings.public_url or "").startswith("https://"):
        said = f"the gateway listens on {settings.host} and speaks plain HTTP; tokens would be sent unencrypted"
        step = "put a TLS proxy in front of it and set PASSERELLE_PUBLIC_URL to its https address"
        yield Diagnosis("warn", "TLS", said, step)
    if settings.kafka and settings.kafka_security in {"PLAINTEXT", "SASL_PLAINTEXT"}:
        hosts = [server.rsplit(":", 1)[0] for server in settings.kafka.split(",")]
        if not all(map(_is_loopback, hosts)):
            step = "set PASSERELLE_KAFKA_SECURITY to SASL_SSL or SSL"
            yield Diagnosis("warn", "TLS", "the brokers are reached without encryption", step)


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _examine_folder(about: str, folder: Path) -> Diagnosis:
    """Check that files can be created in a folder, or in its nearest existing ancestor."""
    existing = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        step = f"let this user write to {existing}, or set PASSERELLE_DATA to another folder"
        return Diagnosis("fail", about, f"{folder} cannot be written ({error.strerror})", step)
    return Diagnosis("ok", about, f"{folder} is writable" if existing == folder else f"{folder} will be created")


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _examine_disk(folder: Path) -> Diagnosis:
    free = shutil.disk_usage(_nearest(folder)).free
    said = f"{free / 1024**3:.1f} GiB free"
    if free < _MIN_BYTES:
        return Diagnosis("fail", "disk", said, "free some space: the log and the spool of uploads need it")
    if free < _LOW_BYTES:
        return Diagnosis(
            "warn", "disk", said, "provide more space; docs/operations.md, “Sizing”, says how much is needed"
        )
    return Diagnosis("ok", "disk", said)


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
        said = f"a gateway runs on {endpoint} but is not ready: {', '.join(body.get('missing', ()))}"
        return Diagnosis("warn", about, said, step)
    return Diagnosis("ok", about, f"a gateway runs on {endpoint}")


async def _examine_log(settings: Settings) -> list[Diagnosis]:
    if settings.kafka is None and not (settings.data / "log.sqlite").exists():
        return [Diagnosis("ok", "log", "none yet; passerelle serve creates it")]
    try:
        async with asyncio.timeout(_LOG_SECONDS), open_log(settings, make=False) as log:
            return await _examine_open_log(log)
    except TimeoutError:
        said = f"no answer within {_LOG_SECONDS:.0f} s"
    except LogDamagedError as error:
        return [Diagnosis("fail", "log", str(error), "restore it: docs/operations.md, “Backup and restore”")]
    except SettingsError as error:
        return [Diagnosis("fail", "log", str(error), "correct the file's mode, then run passerelle doctor again")]
    except LogError as error:
        said = str(error)
    step = (
        "check PASSERELLE_KAFKA, the network and the broker" if settings.kafka else "check which process uses the file"
    )
    return [Diagnosis("fail", "log", said, step)]


async def _examine_open_log(log: EventLog) -> list[Diagnosis]:
    missing = await log.check_topics(COMMON)
    if missing:
        return [Diagnosis("ok", "log", "reachable"), *_topic_findings(missing)]
    async with Partners(log).caught_up_once() as partners:
        topics = topics_of(partners)
        active = [partner for partner in partners.all() if not partner.revoked]
    wrong = await log.check_topics(topics)
    findings = [Diagnosis("ok", "log", f"reachable, identity {await log.identity()}")]
    findings += _topic_findings(wrong) or [Diagnosis("ok", "topics", f"{len(topics)}, as required")]
    if active:
        findings.append(Diagnosis("ok", "partners", f"{len(active)} active"))
    else:
        findings.append(Diagnosis("warn", "partners", "there are none", "passerelle partner add SLUG"))
    findings.append(await _examine_clock(log, now))
    return findings


def _topic_findings(sentences: Sequence[str]) -> list[Diagnosis]:
    return [Diagnosis("fail", "topics", sentence, "passerelle topics create") for sentence in sentences]


async def _examine_clock(log: EventLog, clock: Callable[[], int]) -> Diagnosis:
    """Compare clocks: the log timestamps its records, and none may be in this machine's future."""
    newest = 0
    ends = await log.ends(POSITIONS)
    starts = await log.starts(POSITIONS)
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        async with log.reader({(POSITIONS, partition): max(start, end - 50)}) as reader:
            for chunk in await reader.poll(limit=100, wait=1.0):
                newest = max([newest, *(record.appended_at for record in chunk.records)])
    ahead = newest - clock()
    if ahead > _SKEW_MS:
        said = f"the log's newest record is {ahead / 1000:.0f} s ahead of this machine's clock"
        return Diagnosis("fail", "clock", said, "synchronise the clocks of this machine and the log's (NTP)")
    return Diagnosis("ok", "clock", "no record of the log is later than this machine's clock")
