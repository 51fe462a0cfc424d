"""``passerelle publish`` against a running gateway."""

import asyncio
import re
from datetime import date
from pathlib import Path

import aiohttp
import pytest

from demo.generator import GeneratedOffer, generate
from gateway.bootstrap.gateway import Gateway
from gateway.cli.publish import UploadProgress, note_path, write_note
from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from gateway.protocol.topic import COMMON
from tests.cli.conftest import Ended, RunningGateway, Shell
from tests.revision import revised, withdrawal

COUNT = 620
"""More than one batch."""


@pytest.fixture
def offers() -> list[GeneratedOffer]:
    return list(generate(6, "bretagne", COUNT, date.fromisoformat(paris_date(now()))))


@pytest.fixture
def file(running_gateway: RunningGateway, offers: list[GeneratedOffer]) -> Path:
    path = running_gateway.shell.folder / "offers.ndjson"
    path.write_bytes(b"".join(offer.raw + b"\n" for offer in offers))
    return path


async def test_offers_are_published_and_refusals_reported_with_line_and_reason(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """PUB-010, PUB-011: valid offers are published, refused ones are named; the exit code is 1."""
    refused = {number: offer for number, offer in enumerate(offers, 1) if not offer.accepted}
    ended = await running_gateway.shell("publish", file, "--lang", "en")
    good = COUNT - len(refused)
    assert ended.code == 1, ended.errors
    assert f"{COUNT} document(s): {good} accepted, {len(refused)} refused\n" in ended.output
    for number, offer in refused.items():
        row = re.search(rf"^ +{number} +{re.escape(offer.id)} +error (\S+)", ended.output, re.MULTILINE)
        assert row is not None
        assert row[1] in offer.expected
    assert not note_path(file).exists()


async def test_publishing_again_changes_nothing_and_says_so(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """REV-003: sending twice is safe."""
    file.write_bytes(b"".join(offer.raw + b"\n" for offer in offers[:40] if offer.accepted))
    words = ("publish", file, "--lang", "en")
    first, second = await running_gateway.shell(*words), await running_gateway.shell(*words)
    number = sum(offer.accepted for offer in offers[:40])
    assert (0, f"{number} document(s): {number} accepted\n") == (first.code, first.output)
    assert (0, f"{number} document(s): {number} duplicate\n") == (second.code, second.output)


async def test_standard_input_is_published_like_a_file(
    running_gateway: RunningGateway, offers: list[GeneratedOffer]
) -> None:
    """Without a note of progress: another command cannot go on where this one stopped."""
    good = [offer.raw for offer in offers if offer.accepted][:5]
    ended = await running_gateway.shell("publish", "-", "--lang", "en", give=b"\n".join(good))
    assert (0, "5 document(s): 5 accepted\n") == (ended.code, ended.output), ended.errors
    assert not note_path(running_gateway.shell.folder / "-").exists()


async def test_stale_and_rejected_decisions_are_reported(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """REV-004, REV-005: the relay's decisions, with their reasons; one tally with the immediate refusals."""
    old, reused, gone = [offer for offer in offers if offer.accepted][:3]
    file.write_bytes(b"\n".join([revised(old, 5).raw, revised(reused, 5).raw, gone.raw]))
    assert (await running_gateway.shell("publish", file)).code == 0
    other = revised(reused, 6).raw.replace(b'"revision":6', b'"revision":5')
    wrong = next(offer for offer in offers if not offer.accepted)
    file.write_bytes(b"\n".join([revised(old, 4).raw, other, withdrawal(gone, 2, "filled"), wrong.raw]))
    ended = await running_gateway.shell("publish", file, "--lang", "en")
    assert ended.code == 1
    assert "4 document(s): 1 accepted, 1 stale, 2 refused\n" in ended.output
    assert "older-revision" in ended.output
    assert "revision-reused" in ended.output


async def test_an_offer_that_is_older_than_the_gateways_ends_with_1(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """REV-005: a stale one changed nothing, which is not what its sender meant."""
    old = next(offer for offer in offers if offer.accepted)
    file.write_bytes(revised(old, 5).raw)
    assert (await running_gateway.shell("publish", file)).code == 0
    file.write_bytes(revised(old, 4).raw)
    ended = await running_gateway.shell("publish", file, "--lang", "en")
    assert (1, True) == (ended.code, "1 document(s): 1 stale\n" in ended.output)


@pytest.mark.parametrize("command", ["publish", "validate"])
async def test_a_file_without_offers_cannot_be_used(running_gateway: RunningGateway, command: str) -> None:
    """Neither valid nor invalid, and most likely a failed export: blank, or a closing count alone."""
    file = running_gateway.shell.folder / "none.ndjson"
    for content in (b"\n", b'{"count": 0}\n'):
        file.write_bytes(content)
        ended = await running_gateway.shell(command, file, "--lang", "en")
        assert (2, "") == (ended.code, ended.output)
        assert "The file contains no offers" in ended.errors
        assert "Le fichier ne contient aucune offre" in (await running_gateway.shell(command, file)).errors


async def test_an_interrupted_upload_resumes_where_it_stopped(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """By the note beside the file, unless --from says otherwise or the file has changed since."""
    about = UploadProgress.about(file, url=running_gateway.gateway.url, client="bretagne", next_document=501)
    write_note(file, about)
    words = ("publish", file, "--lang", "en")
    resumed = await running_gateway.shell(*words)
    assert "Resuming at document 501" in resumed.errors
    assert f"{COUNT - 500} document(s): " in resumed.output
    write_note(file, about)
    assert f"{COUNT} document(s): " in (await running_gateway.shell(*words, "--from", 1)).output
    assert (await running_gateway.shell(*words, "--from", 0)).code == 2
    write_note(file, about)
    file.write_bytes(file.read_bytes() + offers[0].raw + b"\n")
    assert f"{COUNT + 1} document(s): " in (await running_gateway.shell(*words)).output


async def test_offers_of_another_platform_are_refused(running_gateway: RunningGateway) -> None:
    """IDN-003: a publisher writes under its own slug only."""
    file = running_gateway.shell.folder / "foreign.json"
    offer = next(generate(6, "normandie", 1, date.fromisoformat(paris_date(now())), wrong=0.0))
    file.write_bytes(offer.raw)
    ended = await running_gateway.shell("publish", file)
    assert (1, True) == (ended.code, "not-owner" in ended.output)


async def test_a_wrong_secret_and_an_unreachable_gateway_end_with_the_next_step(
    running_gateway: RunningGateway, file: Path
) -> None:
    words = ("publish", file, "--lang", "en")
    wrong = await running_gateway.shell(*words, PASSERELLE_CLIENT_SECRET="wrong")
    assert (2, True) == (wrong.code, "Next step: check PASSERELLE_CLIENT_ID" in wrong.errors)
    away = await running_gateway.shell(*words, PASSERELLE_URL="http://127.0.0.1:1")
    assert (2, True) == (away.code, "Next step: check that PASSERELLE_URL is correct" in away.errors)
    *retries, _, _ = away.errors.splitlines()
    assert retries
    pattern = re.compile(r"Not accepted yet \(there is no answer at this address\): trying again in [0-9.]+ s\.")
    assert [] == [line for line in retries if not pattern.fullmatch(line)]
    unnamed = await running_gateway.shell(*words, PASSERELLE_CLIENT_ID="")
    assert (2, True) == (unnamed.code, "passerelle partner add" in unnamed.errors)


async def test_a_snapshot_withdraws_the_offers_that_it_lacks(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """PUB-021: present but refused offers count as present, absent ones are withdrawn, and a cut file is stopped."""
    await running_gateway.shell("publish", file)
    live = [offer for offer in offers if offer.accepted]
    mark = (await running_gateway.shell("mark")).output.strip()
    kept = [offer for offer in offers if offer not in live[10:15]]
    file.write_bytes(b"".join(offer.raw + b"\n" for offer in kept))
    ended = await running_gateway.shell("snapshot", file, "--mark", mark, "--lang", "en")
    refused = len(offers) - len(live)
    assert ended.code == 1, ended.errors
    known = len(live) - 5
    assert (
        f"{len(kept)} document(s): {known} duplicate, {refused} refused; 5 absent offer(s) withdrawn\n" in ended.output
    )
    file.write_bytes(b"".join(offer.raw + b"\n" for offer in kept[:100]))
    cut = await running_gateway.shell("snapshot", file, "--lang", "en")
    assert "To send the same again: --mark " in cut.errors
    assert cut.code == 2
    number = re.search(r"--confirm (\d+)", cut.errors)
    assert number is not None
    sure = await running_gateway.shell("snapshot", file, "--confirm", number[1], "--lang", "en")
    assert f"{number[1]} absent offer(s) withdrawn" in sure.output


@pytest.mark.parametrize("count", [1, 3])
async def test_a_snapshot_whose_count_differs_from_its_offers_is_not_sent(
    count: int, shell: Shell, tmp_path: Path
) -> None:
    """A truncated export was sent with a count that fitted it, and the offers that it lacked were withdrawn."""
    file = tmp_path / "offers.ndjson"
    file.write_text('{"id": "bretagne:1"}\n{"id": "bretagne:2"}\n' + f'{{"count": {count}}}\n')
    ended = await shell("snapshot", file, "--lang", "en")
    assert 2 == ended.code
    assert f"is {count}, and the file has 2 offers" in " ".join(ended.errors.split())


async def test_a_snapshot_reports_the_offers_that_the_relay_rejected(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """WDR-002: an offer older than its withdrawal stays withdrawn; the command names it and ends with 1."""
    live, gone = [offer for offer in offers if offer.accepted][:2]
    file.write_bytes(b"\n".join([live.raw, gone.raw]))
    await running_gateway.shell("publish", file)
    file.write_bytes(withdrawal(gone, 5, "filled"))
    await running_gateway.shell("publish", file)
    file.write_bytes(b"\n".join([live.raw, revised(gone, 4).raw]))
    ended = await running_gateway.shell("snapshot", file, "--lang", "en")
    assert ended.code == 1, ended.output + ended.errors
    assert "2 document(s): 1 duplicate, 1 stale; 0 absent offer(s) withdrawn\n" in ended.output
    assert re.search(rf"^ +2 +{re.escape(gone.id)} +error older-revision", ended.output, re.MULTILINE)


def advised(ended: Ended) -> list[str]:
    """The options that a stopped snapshot is to be sent again with."""
    return " ".join(re.findall(r"--(?:mark|confirm) \S+", ended.errors.partition("Next step:")[2])).split()


async def test_a_stopped_snapshot_is_confirmed_with_the_mark_that_it_took(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """PUB-020, PUB-028: offers published before the confirmation stay: the advice names the mark of the first try."""
    live = [offer for offer in offers if offer.accepted][:40]
    file.write_bytes(b"".join(offer.raw + b"\n" for offer in live))
    await running_gateway.shell("publish", file)
    kept = running_gateway.shell.folder / "kept.ndjson"
    kept.write_bytes(b"".join(offer.raw + b"\n" for offer in live[:20]))
    words = ("snapshot", kept, "--lang", "en")
    stopped = await running_gateway.shell(*words)
    assert stopped.code == 2
    file.write_bytes(revised(live[30], 2).raw)
    await running_gateway.shell("publish", file)
    fewer = await running_gateway.shell(*words, *advised(stopped))  # one of the 20 is no longer absent
    sure = await running_gateway.shell(*words, *advised(fewer))
    assert "19 absent offer(s) withdrawn" in sure.output, sure.errors
    assert "1 duplicate" in (await running_gateway.shell("publish", file, "--lang", "en")).output


async def test_a_used_mark_is_refused_with_its_reason(
    running_gateway: RunningGateway, offers: list[GeneratedOffer], file: Path
) -> None:
    """PUB-022: a mark serves once."""
    file.write_bytes(next(offer.raw for offer in offers if offer.accepted))
    mark = (await running_gateway.shell("mark")).output.strip()
    assert (await running_gateway.shell("snapshot", file, "--mark", mark)).code == 0
    again = await running_gateway.shell("snapshot", file, "--mark", mark)
    assert again.code == 2
    assert "HTTP 409" in again.errors


async def test_the_audit_finds_nothing_while_the_gateway_runs(running_gateway: RunningGateway, file: Path) -> None:
    await running_gateway.shell("publish", file)
    ended = await running_gateway.shell("audit", PASSERELLE_DATA=str(running_gateway.settings.data))
    assert (0, True) == (ended.code, "The log keeps its guarantees" in ended.output)


async def is_ready(session: aiohttp.ClientSession, gateway: Gateway) -> bool:
    async with session.get(f"{gateway.management_url}/readyz") as response:
        return response.status == 200


async def test_the_doctor_finds_no_fault_in_a_running_gateway(running_gateway: RunningGateway) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while not await is_ready(session, running_gateway.gateway):
            await asyncio.sleep(0.05)
    ended = await running_gateway.shell(
        "doctor",
        PASSERELLE_DATA=str(running_gateway.settings.data),
        PASSERELLE_PORT=running_gateway.gateway.url.rsplit(":", 1)[1],
        PASSERELLE_MANAGEMENT_PORT=running_gateway.gateway.management_url.rsplit(":", 1)[1],
    )
    assert ended.code == 0, ended.output
    for text in (
        "a gateway runs on",
        "reachable, identity",
        f"{len(COMMON)}, as required",
        "1 active",
        "later than this machine's clock",
    ):
        assert text in ended.output
