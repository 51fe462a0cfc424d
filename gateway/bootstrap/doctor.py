"""Diagnoses of a running gateway about itself, its private files among them."""

import asyncio
from collections.abc import Iterator

from gateway.bootstrap.log import signing_key_of
from gateway.bootstrap.notices import relay_of
from gateway.errors import SettingsError
from gateway.federation import Federation
from gateway.federation.checks import Diagnosis
from gateway.federation.doctor import (
    examine_clock,
    examine_disk,
    examine_exposure,
    examine_imprint,
    examine_mail,
    examine_partners,
    examine_releases,
    report_topics,
)
from gateway.log.sqlite import SqliteLog
from gateway.oauth.keys import KeyRing, SigningKeyError
from gateway.protocol.topic import COMMON
from gateway.runtime.keys import load_secret, secret_file
from gateway.runtime.private_files import ExposedError, check_private
from gateway.settings import Settings


async def examine_running(settings: Settings, federation: Federation) -> list[Diagnosis]:
    """Every diagnosis of a running gateway about itself. Raises LogError."""
    log = federation.log

    def examine_files() -> list[Diagnosis]:
        return [*examine_secrets(settings), examine_disk(settings.data)]

    findings = await asyncio.to_thread(examine_files)
    findings += [*examine_exposure(settings), *examine_imprint(settings), await examine_mail(relay_of(settings))]
    if isinstance(log, SqliteLog) and log.damage:
        findings.append(Diagnosis("fail", "log", "its file is damaged", code="log_damaged"))
    missing = await log.check_topics(COMMON)
    if missing:
        return findings + report_topics(missing)
    findings += await examine_partners(log, federation.partners)
    await federation.releases.catch_up()
    findings.append(examine_releases(federation.releases))
    return [*findings, await examine_clock(log, federation.clock)]


def examine_secrets(settings: Settings) -> Iterator[Diagnosis]:
    """Check the modes of the private files, the secret and the signing key."""
    for name in ("secret", "signing.pem", "log.sqlite"):
        path = settings.data / name
        try:
            check_private(path)
        except FileNotFoundError:
            continue
        except (ExposedError, OSError) as error:
            yield Diagnosis("fail", "private files", f"{error}", f"chmod 600 {path}", "private_file", {"file": name})
    if settings.secret is None and secret_file(settings.data).exists():
        try:
            load_secret(None, folder=settings.data)
        except SettingsError as error:
            yield Diagnosis("fail", "secret", f"{error}", "restore the file from a backup, or remove it", "secret")
    key = signing_key_of(settings)
    if settings.signing_key is not None or key.exists():
        try:
            KeyRing.read(key)
        except SigningKeyError as error:
            step = "repair the file, or name another in PASSERELLE_SIGNING_KEY"
            yield Diagnosis("fail", "signing key", f"{error}", step, "signing_key")
        else:
            yield Diagnosis("ok", "signing key", f"{key} has one")
