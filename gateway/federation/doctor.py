"""Diagnoses that ``passerelle doctor`` and a running gateway share: exposure, notices, disk, topics, clock."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gateway.clock import now
from gateway.federation.checks import Diagnosis
from gateway.log.port import EventLog
from gateway.notices.smtp import MailRelay, RelayAwayError
from gateway.operate.releases import ReleaseBook
from gateway.partners import Partners, topics_of
from gateway.protocol.topic import COMMON, POSITIONS
from gateway.runtime.listening import is_loopback
from gateway.settings import Settings

_LOW_BYTES, _MIN_BYTES = 7 * 1024**3, 512 * 1024**2
_SKEW_MS = 2_000
_MAIL_SECONDS = 5.0


def examine_exposure(settings: Settings) -> Iterator[Diagnosis]:
    """Find connections that would send secrets unencrypted over a network."""
    if not is_loopback(settings.host) and not (settings.public_url or "").startswith("https://"):
        message = f"the gateway listens on {settings.host} and speaks plain HTTP; tokens would be sent unencrypted"
        step = "put a TLS proxy in front of it and set PASSERELLE_PUBLIC_URL to its https address"
        yield Diagnosis("warn", "TLS", message, step, "plain_http", {"host": settings.host})
    behind_proxy = (settings.public_url or "").startswith("https://")
    if behind_proxy and settings.proxies is None:
        message = (
            "a proxy seems to be in front (PASSERELLE_PUBLIC_URL is https, the gateway speaks plain HTTP), and none is "
            "named: all clients then have the proxy's address and share its limits"
        )
        step = "set PASSERELLE_PROXIES to the proxy's address or network, such as 127.0.0.1 or 10.0.0.0/8"
        yield Diagnosis("warn", "proxies", message, step, "proxies_unnamed")
    elif settings.proxies is not None:
        yield Diagnosis("ok", "proxies", f"X-Forwarded-For is accepted from {settings.proxies}")
    if settings.kafka and settings.kafka_security in {"PLAINTEXT", "SASL_PLAINTEXT"}:
        hosts = [server.strip().rsplit(":", 1)[0].strip("[]") for server in settings.kafka.split(",")]
        if not all(map(is_loopback, hosts)):
            step = "set PASSERELLE_KAFKA_SECURITY to SASL_SSL or SSL"
            yield Diagnosis("warn", "TLS", "the brokers are reached without encryption", step, "plain_brokers")


def examine_imprint(settings: Settings) -> Iterator[Diagnosis]:
    """Find what the legal notice of the pages and security.txt do not state."""
    names = ("legal_publisher", "legal_address", "legal_director", "legal_contact", "legal_host", "source_url")
    missing = [f"PASSERELLE_{name.upper()}" for name in names if getattr(settings, name) is None]
    if settings.pages and missing:
        message = f"the legal notice of the pages is incomplete without {', '.join(missing)}"
        step = "set them, or PASSERELLE_PAGES=0 for the API alone"
        yield Diagnosis("warn", "legal notice", message, step, "notice_incomplete", {"settings": ", ".join(missing)})
    elif settings.pages:
        yield Diagnosis("ok", "legal notice", "complete")
    if settings.security_contact is None:
        message = "no address for reports of vulnerabilities is published at /.well-known/security.txt"
        yield Diagnosis("warn", "security contact", message, "set PASSERELLE_SECURITY_CONTACT", "contact_missing")
    else:
        yield Diagnosis("ok", "security contact", settings.security_contact)


async def examine_mail(relay: MailRelay | None) -> Diagnosis:
    """Check that the mail relay is reached over TLS and takes mails of the sender. Their signature is the relay's."""
    if relay is None:
        return Diagnosis("ok", "mail", "no notices are sent: PASSERELLE_SMTP names no relay")
    try:
        async with asyncio.timeout(_MAIL_SECONDS), relay.session():
            pass
    except (RelayAwayError, TimeoutError) as error:
        message = f"the relay takes no mail over TLS ({str(error) or 'no answer'}); notices wait"
        step = (
            "check PASSERELLE_SMTP, its user and password, that the relay offers STARTTLS with a certificate that this "
            f"machine trusts (SSL_CERT_FILE names other authorities), and that it takes mails of {relay.sender}"
        )
        return Diagnosis("warn", "mail", message, step, "relay_away", {"error": str(error) or "TimeoutError"})
    message = f"the relay takes mails of {relay.sender} over TLS; it signs them (DKIM), SPF and DMARC are its domain's"
    return Diagnosis("ok", "mail", message)


def nearest_existing(folder: Path) -> Path:
    """The nearest existing ancestor of a folder, or itself."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def examine_disk(folder: Path) -> Diagnosis:
    """Check the free space."""
    free = shutil.disk_usage(nearest_existing(folder)).free
    message, values = f"{free / 1024**3:.1f} GiB free", {"free": round(free / 1024**3, 1)}
    if free < _MIN_BYTES:
        step = "free some space: the log and the spool of uploads need it"
        return Diagnosis("fail", "disk", message, step, "disk_full", values)
    if free < _LOW_BYTES:
        step = "provide more space; docs/install.md, “Sizing”, says how much is needed"
        return Diagnosis("warn", "disk", message, step, "disk_low", values)
    return Diagnosis("ok", "disk", message)


async def examine_open_log(log: EventLog) -> list[Diagnosis]:
    """Check the topics of a log that is open, its partners, and its clock."""
    missing = await log.check_topics(COMMON)
    if missing:
        return [Diagnosis("ok", "log", "reachable"), *report_topics(missing)]
    findings = [Diagnosis("ok", "log", f"reachable, identity {await log.identity()}")]
    async with Partners(log).caught_up_once() as partners:
        findings += await examine_partners(log, partners)
    async with ReleaseBook(log).caught_up_once() as releases:
        findings.append(examine_releases(releases))
    return [*findings, await examine_clock(log, now)]


async def examine_partners(log: EventLog, partners: Partners) -> list[Diagnosis]:
    """Check the topics of all partners, and whether there are partners."""
    topics = topics_of(partners)
    wrong = await log.check_topics(topics)
    findings = report_topics(wrong) or [Diagnosis("ok", "topics", f"{len(topics)}, as required")]
    active = [partner for partner in partners.all() if not partner.revoked]
    if active:
        return [*findings, Diagnosis("ok", "partners", f"{len(active)} active")]
    return [*findings, Diagnosis("warn", "partners", "there are none", "passerelle partner add SLUG", "no_partners")]


def examine_releases(book: ReleaseBook) -> Diagnosis:
    """Check that this version knows every release that was activated, and each replica the newest one known here."""
    unknown, newest = book.unknown, book.knows[-1]
    if unknown is not None:
        message = f"release {unknown.release} of the schema holds from {unknown.begins} on, and this version lacks it"
        values = {"release": unknown.release, "day": unknown.begins.isoformat()}
        step = "install a version that knows it, or passerelle schema activate --cancel while no offer has its fields"
        return Diagnosis("fail", "releases", message, step, "release_unknown", values)
    lacking = ", ".join(one.id for one in book.state.lacking(newest))
    if lacking:
        message = f"release {newest} of the schema cannot be activated: these replicas lack it: {lacking}"
        step = "replace them by this version; one that has stopped is forgotten after an hour"
        values = {"release": newest, "replicas": lacking}
        return Diagnosis("warn", "releases", message, step, "release_lacking", values)
    days = "".join(f", {one.release} from {one.begins} on" for one in book.state.activations.values())
    return Diagnosis("ok", "releases", f"every replica knows {newest}{days}")


def report_topics(sentences: Sequence[str]) -> list[Diagnosis]:
    """Topics that are missing or not as required."""
    return [
        Diagnosis("fail", "topics", sentence, "passerelle topics create", "topics", {"sentence": sentence})
        for sentence in sentences
    ]


async def examine_clock(log: EventLog, clock: Callable[[], int]) -> Diagnosis:
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
        message = f"the log's newest record is {ahead / 1000:.0f} s ahead of this machine's clock"
        step = "synchronise the clocks of this machine and the log's (NTP)"
        return Diagnosis("fail", "clock", message, step, "clock_behind", {"seconds": round(ahead / 1000)})
    return Diagnosis("ok", "clock", "no record of the log is later than this machine's clock")
