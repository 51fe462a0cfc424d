"""Export and import refuse whatever is not whole: a log at work, a file that was cut, altered or made up."""

import hashlib
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import FencedError, TopicError, UnknownOutcomeError
from gateway.log.port import Output, Owner
from gateway.operate.transfer import archive as archives
from gateway.operate.transfer.archive import MANIFEST, Archive, ArchiveError, Manifest
from gateway.operate.transfer.content import BEFORE_ALL, LEFT, MOVED
from gateway.operate.transfer.export import NotQuietError, export_log
from gateway.operate.transfer.restore import (
    IncompleteImportError,
    NotEmptyError,
    check,
    import_archive,
    refuse_incomplete_import,
)
from gateway.partners.record import changed_record, read_partner
from gateway.protocol.contact import PARTITION as CONTACTS_PARTITION
from gateway.protocol.contact import Contact, Erased, contact_record
from gateway.protocol.identity import partition_of
from gateway.protocol.join_request import answered, request_record
from gateway.protocol.journal import GENESIS, JournalEntry, entry_record
from gateway.protocol.partner import Partner
from gateway.protocol.record import Record, offer_record, position_record
from gateway.protocol.release import PARTITION as RELEASES_PARTITION
from gateway.protocol.release import Activation, ReleaseTopic, activation_record, fold_releases, replica_record
from gateway.protocol.topic import COMMON, CONTACTS, JOINING, OFFERS, PARTNERS, POSITIONS, RELEASES, SUBMISSIONS, inbox
from gateway.runtime.private_files import ExposedError
from schemas.rulebook import SCHEMA_RELEASES
from tests.clock import ManualClock
from tests.harness import SECRET, records_of
from tests.memory_log import MemoryLog
from tests.operate.moving import HASH
from tests.operate.moving import PARTNERS as KNOWN
from tests.protocol.test_join_request import REQUEST
from tests.store.offer_topic import OfferTopic, offer_of

pytestmark = pytest.mark.slow

NOW = ManualClock()()


async def log_of(*records: tuple[str, Record], partitions: int = 3) -> MemoryLog:
    """A log with these records."""
    log = MemoryLog(clock=ManualClock(), partitions=partitions)
    await log.create_topics(COMMON)
    for topic, record in records:
        await log.append(topic, partition_of((record.key or b"").decode(), partitions), [record])
    return log


def federation(offers: int = 7) -> list[tuple[str, Record]]:
    """Partners and offers, one of them withdrawn."""
    topic = OfferTopic()
    states = [topic.publish(offer_of(f"bretagne:{number}")) for number in range(offers)]
    states.append(topic.withdraw("bretagne:0"))
    partners = [(PARTNERS, changed_record(None, partner)) for partner in KNOWN]
    return [*partners, *((OFFERS, offer_record(state)) for state in states)]


async def exported(log: MemoryLog, file: Path, **wishes: Any) -> Manifest:
    manifest, _ = await export_log(log, file, now=NOW, versions={}, **wishes)
    return manifest


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """An export of the federation."""
    await exported(await log_of(*federation()), tmp_path / "federation.zip", secrets=True)
    return tmp_path / "federation.zip"


def members_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as content:
        return {name: content.read(name) for name in content.namelist()}


def write(file: Path, members: Mapping[str, bytes], *, manifest: bool = False) -> None:
    """Replace the content of a file; with ``manifest`` its digests are made to fit."""
    members = dict(members)
    if manifest:
        body = orjson.loads(members[MANIFEST])
        for name, entry in body["members"].items():
            text = members[name]
            sha256 = hashlib.sha256(text).hexdigest()
            entry |= {"bytes": len(text), "lines": text.count(b"\n"), "sha256": sha256}
        members[MANIFEST] = orjson.dumps(body)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as content:
        for name, text in members.items():
            content.writestr(name, text)


async def refused(file: Path) -> str:
    """Why a file is refused; nothing of it reached the log."""
    log = await log_of()
    with pytest.raises(ArchiveError) as found, Archive.open(file) as archive:
        await import_archive(log, archive, secret=SECRET, now=NOW)
    assert [] == [one for topic in COMMON for one in await records_of(log, topic.name) if one.key != b"log/identity"]
    return str(found.value)


def activation_of(release: str) -> Activation:
    return Activation(release=release, begins=date(2027, 9, 1), fields=(), entry=1, at=0)


async def test_activations_are_moved_and_replicas_are_not(tmp_path: Path) -> None:
    """EVO-004: a day that was set holds on another log, too."""
    log = await log_of(*federation())
    known = activation_of(SCHEMA_RELEASES[-1])
    await log.append(RELEASES, RELEASES_PARTITION, [activation_record(known), replica_record("here", ["1.0"])])
    await exported(log, tmp_path / "federation.zip")
    moved = await log_of()
    with Archive.open(tmp_path / "federation.zip") as archive:
        await import_archive(moved, archive, secret=SECRET, now=NOW)
    topic = fold_releases(ReleaseTopic(), await records_of(moved, RELEASES))
    assert ({known.release: known}, {}) == (topic.activations, topic.replicas)


class AnnouncedLog(MemoryLog):
    """A log on which a replica announces itself whenever its ends are read."""

    async def ends(self, topic: str) -> tuple[int, ...]:
        await self.append(RELEASES, RELEASES_PARTITION, [replica_record("here", ["1.0"])])
        return await super().ends(topic)


async def test_announcements_of_a_replica_disturb_no_export(tmp_path: Path) -> None:
    log = AnnouncedLog(clock=ManualClock(), partitions=3)
    await log.create_topics(COMMON)
    assert 0 == (await exported(log, tmp_path / "federation.zip")).members["releases.ndjson"].lines


async def test_a_file_with_an_activation_of_an_unknown_release_is_refused(tmp_path: Path) -> None:
    """EVO-004: this version would refuse its fields."""
    log = await log_of(*federation())
    await log.append(RELEASES, RELEASES_PARTITION, [activation_record(activation_of("9.9"))])
    await exported(log, tmp_path / "federation.zip")
    assert "does not know that release" in await refused(tmp_path / "federation.zip")


async def test_a_file_of_a_version_without_releases_is_taken(file: Path) -> None:
    members = {name: text for name, text in members_of(file).items() if name != "releases.ndjson"}
    manifest = orjson.loads(members[MANIFEST])
    del manifest["members"]["releases.ndjson"]
    write(file, {**members, MANIFEST: orjson.dumps(manifest)}, manifest=True)
    moved = await log_of()
    with Archive.open(file) as archive:
        await import_archive(moved, archive, secret=SECRET, now=NOW)
    assert 7 == len(await records_of(moved, OFFERS))


def test_every_topic_is_moved_or_left_with_a_reason() -> None:
    moved = {content.topic for content in MOVED}
    assert {topic.name for topic in COMMON} == moved | LEFT.keys()
    assert not moved & LEFT.keys()


async def test_only_the_last_record_of_a_key_is_exported_and_no_deleted_one(tmp_path: Path) -> None:
    topic = OfferTopic()
    first = offer_record(topic.publish(offer_of("bretagne:1", title="Un titre retiré depuis")))
    records = [(OFFERS, first), *federation(1), (OFFERS, Record(b"bretagne:9", None))]
    records.append((OFFERS, offer_record(topic.publish(offer_of("bretagne:1")))))
    await exported(await log_of(*records), tmp_path / "f.zip")
    lines = members_of(tmp_path / "f.zip")["offers.ndjson"].splitlines()
    assert ["bretagne:0", "bretagne:1"] == sorted(orjson.loads(line)["key"] for line in lines)
    assert "Un titre retiré depuis".encode() not in b"".join(lines)
    assert {BEFORE_ALL} == {orjson.loads(line)["value"]["position"] for line in lines}


@pytest.mark.parametrize("secrets", [True, False])
async def test_secrets_are_in_a_file_only_if_asked_for(tmp_path: Path, *, secrets: bool) -> None:
    manifest = await exported(await log_of(*federation()), tmp_path / "f.zip", secrets=secrets)
    text = members_of(tmp_path / "f.zip")["partners.ndjson"]
    assert {secrets} == {manifest.secrets, HASH.encode() in text, b"nonce-of-a-test" in text, b"sessions" in text}
    partner = read_partner(orjson.dumps(orjson.loads(text.splitlines()[0])["value"]))
    assert 1 == len(next(one for one in (partner, *KNOWN) if one.platform == "bretagne").certificates)


async def test_a_file_is_private_and_replaces_no_other(tmp_path: Path, file: Path) -> None:
    """SEC-009: it holds hidden employers."""
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        await exported(await log_of(), file)
    assert before == file.read_bytes()
    assert [file] == list(tmp_path.iterdir())
    file.chmod(0o644)
    with pytest.raises(ExposedError, match="chmod 600"), Archive.open(file):
        pass


async def test_a_log_with_undecided_submissions_is_not_exported_unless_asked(tmp_path: Path) -> None:
    log = await log_of(*federation(), (SUBMISSIONS, Record(b"bretagne:1", b"{}")))
    with pytest.raises(NotQuietError, match="1 submissions or"):
        await exported(log, tmp_path / "f.zip")
    assert [] == list(tmp_path.iterdir())
    assert 1 == (await exported(log, tmp_path / "f.zip", leave_undecided=True)).undecided
    partition = partition_of("bretagne:1", 3)
    await log.append(
        POSITIONS, partition, [position_record(SUBMISSIONS, partition, (await log.ends(SUBMISSIONS))[partition])]
    )
    assert 0 == (await exported(log, tmp_path / "g.zip")).undecided


async def test_unread_messages_of_an_inbox_are_undecided_too(tmp_path: Path) -> None:
    partner = Partner(platform="grand-est", name="Grand Est", scopes=frozenset(), inbox=True)
    log = await log_of((PARTNERS, changed_record(None, partner)))
    await log.create_topics([inbox("grand-est")])
    assert 0 == (await exported(log, tmp_path / "f.zip")).undecided
    await log.append("inbox.grand-est", 0, [Record(b"grand-est:1", b"{}")])
    with pytest.raises(NotQuietError):
        await exported(log, tmp_path / "g.zip")


class BusyLog(MemoryLog):
    """A log on which another offer is published while its offers are read."""

    async def ends(self, topic: str) -> tuple[int, ...]:
        ends = await super().ends(topic)
        if topic == SUBMISSIONS and not await records_of(self, OFFERS):
            await self.append(OFFERS, 0, [offer_record(OfferTopic().publish(offer_of("bretagne:1")))])
        return ends


async def test_a_log_that_changes_meanwhile_is_not_exported(tmp_path: Path) -> None:
    log = BusyLog(clock=ManualClock())
    await log.create_topics(COMMON)
    with pytest.raises(NotQuietError, match="offers changed during the export"):
        await exported(log, tmp_path / "f.zip")
    assert [] == list(tmp_path.iterdir())


def flipped(text: bytes) -> bytes:
    return text.replace(b"menuiserie", b"menuiseriX", 1)


DAMAGED: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "altered": (lambda one: one.update({"offers.ndjson": flipped(one["offers.ndjson"])}), "offers.ndjson is not what"),
    "shortened": (lambda one: one.update({"offers.ndjson": one["offers.ndjson"][:-2]}), "another size"),
    "without a member": (lambda one: one.pop("runs.ndjson"), "members are not those of its manifest"),
    "with another member": (lambda one: one.update({"../../etc/passwd": b""}), "members are not those of its manifest"),
    "without a manifest": (lambda one: one.pop(MANIFEST), "has no manifest.json"),
    "another manifest": (lambda one: one.update({MANIFEST: b"[]"}), "is no manifest"),
    "of something else": (lambda one: one.update({MANIFEST: b'{"format":"x"}'}), "no export of a gateway"),
    "a huge manifest": (lambda one: one.update({MANIFEST: b" " * (1 << 21)}), "longer than"),
}


@pytest.mark.parametrize("how", DAMAGED)
async def test_a_damaged_file_is_refused_and_nothing_written(file: Path, how: str) -> None:
    change, said = DAMAGED[how]
    members = members_of(file)
    change(members)
    write(file, members)
    assert said in await refused(file)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.999])
async def test_a_cut_file_is_refused(file: Path, part: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * part)])
    assert "no ZIP archive" in await refused(file)


async def test_damaged_bytes_are_found_wherever_they_are(file: Path) -> None:
    """Every 50th byte of the file, flipped: the file is refused, or it is the same."""
    content = file.read_bytes()
    with Archive.open(file) as archive:
        digest = archive.digest
    for at in range(0, len(content), 50):
        file.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        try:
            with Archive.open(file) as archive:
                check(archive)
                assert digest == archive.digest, f"byte {at}"
        except ArchiveError:
            continue


def line(key: str, **value: Any) -> bytes:
    return orjson.dumps({"key": key, "value": value}) + b"\n"


def entry(*, key: str = "1", **members: Any) -> bytes:
    """A line of the journal, right but for these members."""
    made = JournalEntry(number=1, previous=GENESIS, id="1", at=1, act="partner.add", about="bretagne")
    return line(key, **{**orjson.loads(entry_record(made).value or b""), **members})


def changed(file: Path, name: str, **members: Any) -> bytes:
    """The first line of a member, with other members of its value."""
    first = orjson.loads(members_of(file)[name].splitlines()[0])
    return orjson.dumps({**first, "value": {**first["value"], **members}}) + b"\n"


FORGED: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "no JSON": ("offers.ndjson", lambda _: b"{\n"),
    "no record": ("offers.ndjson", lambda _: b"[]\n"),
    "a value that is no object": ("offers.ndjson", lambda _: b'{"key":"bretagne:1","value":1}\n'),
    "an offer under another's key": (
        "offers.ndjson",
        lambda file: changed(file, "offers.ndjson").replace(b'"key":"bretagne:', b'"key":"normandie:'),
    ),
    "no offer's id": ("offers.ndjson", lambda _: line("gateway:1", revision=1)),
    "a text as revision": ("offers.ndjson", lambda file: changed(file, "offers.ndjson", revision="1")),
    "a revision beyond all": ("offers.ndjson", lambda file: changed(file, "offers.ndjson", revision=2**63)),
    "an audience that is a number": ("offers.ndjson", lambda file: changed(file, "offers.ndjson", shared=[1])),
    "an offer that no view can hold": (
        "offers.ndjson",
        lambda file: changed(file, "offers.ndjson").replace(b'"weeks":["2027-W24","2027-W25"]', b'"weeks":7'),
    ),
    "another reason": ("offers.ndjson", lambda file: changed(file, "offers.ndjson", offer=None, reason="lost")),
    "a live offer that is withdrawn": ("offers.ndjson", lambda file: changed(file, "offers.ndjson", reason="filled")),
    "another partner": ("partners.ndjson", lambda file: changed(file, "partners.ndjson", platform="occitanie")),
    "a partner without scopes": ("partners.ndjson", lambda _: line("bretagne", platform="bretagne", name="x")),
    "an order at the national site": ("deliveries.ndjson", lambda _: line("order/regions/1", order="erase", offer="x")),
    "no delivery": ("deliveries.ndjson", lambda _: line("bretagne:1", sequence=1)),
    "no run": ("runs.ndjson", lambda _: line("bretagne", outcome="applied")),
    "no counts": ("statistics.ndjson", lambda _: line("writer", number=1)),
    "an entry under another number": ("journal.ndjson", lambda _: entry(key="2")),
    "an entry that failed a text": ("journal.ndjson", lambda _: entry(failed="1")),
    "an entry without an act": ("journal.ndjson", lambda _: line("1", number=1)),
    "an entry of a person that is no text": ("journal.ndjson", lambda _: entry(person=["x"])),
    "a name under another's pseudonym": ("operators.ndjson", lambda _: line("f" * 64, name="x", salt="00")),
    "an endless line": ("runs.ndjson", lambda _: b" " * (archives.LINE_BYTES + 1) + b"\n"),
    "a record too large": ("runs.ndjson", lambda _: line("bretagne/x", text="x" * (1 << 20))),
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_record_is_refused_though_every_digest_fits(file: Path, what: str) -> None:
    name, forged = FORGED[what]
    members = members_of(file)
    members[name] += forged(file)
    write(file, members, manifest=True)
    assert name in await refused(file)


async def test_a_digest_tells_a_file_from_one_that_was_made_to_fit(file: Path) -> None:
    with Archive.open(file) as archive:
        digest = archive.digest
        archive.require(digest)
    members = members_of(file)
    write(file, {**members, "offers.ndjson": flipped(members["offers.ndjson"])}, manifest=True)
    with Archive.open(file) as archive, pytest.raises(ArchiveError, match="the digest of its manifest"):
        archive.require(digest)


class FailingOwner:
    """An owner whose commits fail from one of them on: as if its process had ended, before or after that commit."""

    def __init__(self, owner: Owner, log: "FailingLog") -> None:
        self._owner = owner
        self._log = log

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        self._log.commits += 1
        if self._log.commits != self._log.failing:
            return await self._owner.commit(outputs)
        if self._log.written:
            await self._owner.commit(outputs)
        raise UnknownOutcomeError("no answer")

    async def end(self, topic: str, partition: int) -> int:
        return await self._owner.end(topic, partition)

    async def close(self) -> None:
        await self._owner.close()


class FailingLog(MemoryLog):
    """A log on which one commit has no answer."""

    commits = 0
    failing = 0
    written = False

    async def own(self, role: str, partition: int) -> Owner:  # type: ignore[override]  # a wrapper of its owner
        return FailingOwner(await super().own(role, partition), self)


@pytest.mark.parametrize("written", [False, True])
async def test_an_interrupted_import_goes_on_and_writes_nothing_twice(tmp_path: Path, *, written: bool) -> None:
    file = tmp_path / "f.zip"
    await exported(await log_of(*federation()), file)
    for failing in range(1, 100):
        log = FailingLog(clock=ManualClock())
        await log.create_topics(COMMON)
        log.failing, log.written = failing, written
        with Archive.open(file) as archive:
            try:
                await import_archive(log, archive, secret=SECRET, now=NOW, at_once=2)
                break
            except UnknownOutcomeError:
                pass
            begun = any((one.key or b"").startswith(b"import.") for one in await records_of(log, POSITIONS))
            log.failing = 0
            try:
                await refuse_incomplete_import(log)
                assert not begun or written
            except IncompleteImportError:
                assert begun
            try:
                await import_archive(log, archive, secret=SECRET, now=NOW, at_once=2)
            except NotEmptyError:
                assert written, "the last commit was made: the import was complete"
        assert 7 == len(await records_of(log, OFFERS))
        assert len(KNOWN) == len(await records_of(log, PARTNERS))
        await refuse_incomplete_import(log)
    assert failing > 8


async def test_no_gateway_starts_on_half_an_import_and_no_other_file_ends_it(tmp_path: Path, file: Path) -> None:
    log = FailingLog(clock=ManualClock())
    await log.create_topics(COMMON)
    log.failing = 4
    with Archive.open(file) as archive, pytest.raises(UnknownOutcomeError):
        await import_archive(log, archive, secret=SECRET, now=NOW)
    with pytest.raises(IncompleteImportError):
        await refuse_incomplete_import(log)
    await exported(await log_of(*federation(3)), tmp_path / "other.zip")
    with Archive.open(tmp_path / "other.zip") as archive, pytest.raises(NotEmptyError, match="another file"):
        await import_archive(log, archive, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    ("topic", "record"),
    [
        (OFFERS, offer_record(OfferTopic().publish(offer_of("bretagne:1")))),
        (PARTNERS, changed_record(None, KNOWN[0])),
        (POSITIONS, position_record("turn.relay", 1, 0)),
    ],
)
async def test_a_log_that_was_used_is_not_imported_into(file: Path, topic: str, record: Record) -> None:
    log = await log_of((topic, record))
    with Archive.open(file) as archive, pytest.raises(NotEmptyError):
        await import_archive(log, archive, secret=SECRET, now=NOW)
    assert (topic == OFFERS) == bool(await records_of(log, OFFERS))


async def test_an_import_needs_the_topics(file: Path) -> None:
    with Archive.open(file) as archive, pytest.raises(TopicError):
        await import_archive(MemoryLog(clock=ManualClock()), archive, secret=SECRET, now=NOW)


async def test_two_imports_at_once_fence_one_another(file: Path) -> None:
    log = await log_of()
    with Archive.open(file) as archive:
        owner = await log.own("import", 0)
        await import_archive(log, archive, secret=SECRET, now=NOW)
        with pytest.raises(FencedError):
            await owner.commit([Output(OFFERS, 0, Record(b"bretagne:1", None))])


async def test_contacts_of_persons_are_in_a_file_only_if_asked_for(tmp_path: Path) -> None:
    contact = Contact(id="c1", platform="bretagne", address="a@example.org", name="A", language="fr", asked_at=1)
    log = await log_of(*federation())
    erased = Erased(id="c2", platform="bretagne", digest="0" * 32, asked_at=1)
    await log.append(CONTACTS, CONTACTS_PARTITION, [contact_record(contact), contact_record(erased)])
    await exported(log, tmp_path / "without.zip")
    await exported(log, tmp_path / "with.zip", contacts=True)
    assert b"a@example.org" not in b"".join(members_of(tmp_path / "without.zip").values())
    for name, expected in (("without", 0), ("with", 2)):
        with Archive.open(tmp_path / f"{name}.zip") as archive:
            other = await log_of()
            await import_archive(other, archive, secret=SECRET, now=NOW)
            assert expected == len(await records_of(other, CONTACTS))


async def test_requests_of_strangers_are_in_a_file_only_if_asked_for(tmp_path: Path) -> None:
    log = await log_of(*federation())
    await log.append(JOINING, CONTACTS_PARTITION, [request_record(REQUEST), request_record(answered(REQUEST))])
    await exported(log, tmp_path / "without.zip")
    await exported(log, tmp_path / "with.zip", contacts=True)
    assert REQUEST.address.encode() not in b"".join(members_of(tmp_path / "without.zip").values())
    assert "joining.ndjson" in members_of(tmp_path / "with.zip")
