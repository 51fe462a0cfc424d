"""Content that was sealed with the gateway's own key, but by another version, is refused and breaks nothing."""

import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.ingest.snapshot import SnapshotRefusedError
from gateway.pages.connect.state import StateError, open_state
from gateway.partners.session import SignInError, open_link, open_ticket
from gateway.protocol import cursor as cursors
from gateway.protocol.journal_seal import read_sealed
from gateway.protocol.seal import Seal
from gateway.protocol.visibility import Filter, Reader
from tests.api.write.gateway_harness import GatewayHarness, offer
from tests.clock import ManualClock
from tests.harness import SECRET, built
from tests.memory_log import MemoryLog

SEAL = Seal(SECRET, purpose="a test")
CURSOR: list[Any] = [[0, 0, 0], [0, 0, 0], 5, "filter", "reader", "log"]
MARK: list[Any] = ["bretagne", 5, [0, 0, 0]]
LINK: list[Any] = [1, "bretagne", "Person", "generation", "id", 5]
TICKET: list[Any] = [1, "bretagne", "Person", "generation", "id", 5, 5]
JOURNAL: list[Any] = [1, "0" * 64, 5, 1]
WRONG: tuple[Any, ...] = (None, True, -1, 1.5, 2**63, "é", [], {}, [None], [-1], ["1"], [[0]], {"a": 1})
BAD: tuple[Any, ...] = (-1, 2**63, [-1], ["1"], [[0]], [None])


def odd(right: list[Any]) -> list[bytes]:
    """Content of another form: no JSON, no list, fewer and more members, and each member of each other type."""
    found = [b"", b"\xff", b"{", b"null", b"1", b'"text"', b"{}", b"[]", b"[" * 2_000, orjson.dumps([*right, 1])]
    found.append(orjson.dumps(right[:-1]))
    for at, member in enumerate(right):
        others = (one for one in WRONG if type(one) is not type(member) or one in BAD)
        found += [orjson.dumps([*right[:at], other, *right[at + 1 :]]) for other in others]
    return found


@pytest.mark.parametrize("payload", odd(CURSOR))
def test_a_cursor_of_another_form_is_to_be_read_again(payload: bytes) -> None:
    reader = Reader("bretagne")
    read = cursors.read(SEAL.close(payload), SEAL, criteria=Filter(), reader=reader, log="log", end=(1, 1, 1), now=5)
    assert "resync-required" == read


async def test_a_mark_of_another_form_is_invalid(tmp_path: Path) -> None:
    clock = ManualClock()
    async with built(tmp_path, log=MemoryLog(clock=clock), clock=clock) as harness:
        for payload in odd(MARK):
            with pytest.raises(SnapshotRefusedError) as refused:
                harness.federation.snapshots.read(Seal(SECRET, purpose="mark").close(payload), platform="bretagne")
            assert "mark-invalid" == refused.value.code


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/offers", "offers"), ("/v1/receipts", "receipts"), ("/v1/operate/receipts", "every receipt")],
)
async def test_a_list_cursor_of_another_form_is_refused(gateway: GatewayHarness, path: str, kind: str) -> None:
    """Over HTTP, also where list, reader and filter are those of the request: 400, never 500."""
    who = "normandie" if kind == "offers" else "bretagne"
    for number in range(4):
        await gateway.put(offer(number, platform=who), who=who)
    await gateway.settled()
    issued = (await gateway.ask("GET", f"{path}?limit=1")).body["cursor"]
    seal = Seal(gateway.context.cursors.mac(kind.encode()), purpose=kind)
    _, scope = orjson.loads(seal.open(issued) or b"")
    keys: tuple[Any, ...] = (5, None, True, -1, 2**63, {}, ["1"], [-1], [[0]])
    for payload in (*odd([issued, 5]), *(orjson.dumps([key, scope]) for key in keys)):
        answer = await gateway.ask("GET", f"{path}?limit=1&cursor={seal.close(payload)}")
        assert 400 == answer.status, payload


@pytest.mark.parametrize("payload", odd(LINK))
def test_a_link_of_another_form_is_unknown(payload: bytes) -> None:
    with pytest.raises(SignInError):
        open_link(SEAL.close(payload), SEAL)


@pytest.mark.parametrize("payload", odd(TICKET))
def test_a_cookie_of_another_form_is_none(payload: bytes) -> None:
    assert open_ticket(SEAL.close(payload), SEAL) is None


@pytest.mark.parametrize("payload", odd(JOURNAL))
def test_a_seal_of_the_journal_of_another_form_is_none(payload: bytes) -> None:
    assert read_sealed(SEAL, SEAL.close(payload).encode()) is None


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\xff", zlib.compress(b""), zlib.compress(b"{"), zlib.compress(b"null"), zlib.compress(b"[]")),
        *(zlib.compress(orjson.dumps(one)) for one in ({}, {"version": 1}, {"version": 1, "until": "x"})),
        zlib.compress(orjson.dumps({"version": 1, "until": 6, "on": "2027-02-30"})),
        zlib.compress(orjson.dumps({"version": 1, "until": 6, "on": "2027-02-03", "sample": 1})),
    ],
)
def test_a_state_of_another_form_is_altered(payload: bytes) -> None:
    with pytest.raises(StateError):
        open_state(SEAL.close(payload).encode(), SEAL, now=5)
