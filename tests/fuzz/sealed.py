"""Cursors, marks, receipt ids and queries as a target: only issued texts are read, and no input makes it fail."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from yarl import URL

from gateway.api.answer import read_list_cursor, write_list_cursor
from gateway.api.context import Context
from gateway.api.problem import ProblemError, problem_document
from gateway.api.query import MAX_WAIT, read_changes_query, read_offers_query
from gateway.api.receipts import read_receipt_query
from gateway.ingest.snapshot import SnapshotRefusedError
from gateway.protocol import cursor as cursors
from gateway.protocol.cursor import FRESH_MS, Cursor
from gateway.protocol.partner import Partner
from gateway.protocol.visibility import Filter, Reader
from schemas.rulebook import LANGUAGES
from tests.api.write.gateway_harness import opened as opened_gateway
from tests.clock import START
from tests.fuzz.target import Scramble, Target

CRITERIA = Filter(department=frozenset({"35", "2A"}), week=frozenset({"2027-W24"}), bbox=(-5.0, 47.0, -1.0, 49.0))
READER = Reader("bretagne")
OTHER = Reader("national")
END = (7, 0, 2**39)
MAX_PAGE = 1_000
_QUERIES = (
    b"region=53&department=35,2A&level=seconde&week=2027-W24&sector=s5&platform=bretagne&bbox=-5,47,-1,49&limit=10",
    b"territory=all&limit=1000", b"limit=0", b"limit=%D9%A5", b"wait=3", b"wait=nan", b"wait=1e400", b"bbox=1,2,3",
    b"bbox=a,b,c,d", b"week=2027-W54", b"week=0000-W01", b"departement=35", b"region=53&region=28", b"cursor=",
    b"level=&level=", b"%ff=%00",
)  # fmt: skip
WORDS = (
    b"=", b"-", b"_", b"+", b"/", b"%2B", b"A", b"\xc3\xa9", b"\x00", b"&", b"limit=", b"wait=", b"bbox=",
    b"nan", b"_0",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Issuer:
    """Every source of sealed texts, and those issued to ``bretagne``, by the first byte of an input."""

    context: Context
    issued: dict[bytes, str]

    def run(self, raw: bytes) -> str:
        """The first byte selects the kind of the rest."""
        kind, rest = raw[:1], raw[1:]
        match kind:
            case b"q":
                return self._query(rest)
            case b"r":
                return self._round_trip(rest)
            case _ if kind in self.issued:
                text = rest.decode(errors="replace")
                read = self._readers()[kind](text)
                assert read == (text == self.issued[kind]), f"{text!r} is {'' if read else 'not '}read as genuine"
                return "genuine" if read else "forged"
        return "nothing"

    def _readers(self) -> dict[bytes, Callable[[str], bool]]:
        context = self.context
        return {
            b"c": lambda text: self._read(text) != "cursor-forged",
            b"m": lambda text: _holds(lambda: context.federation.snapshots.read(text, platform="bretagne")),
            b"i": lambda text: context.federation.ids.read(text, publisher="bretagne") is not None,
            b"b": lambda text: _holds(lambda: read_list_cursor(context, "offers", text, "bretagne", of=lambda _: True)),
        }

    def _read(self, text: str, **other: Any) -> Cursor | str:
        terms = {
            "criteria": CRITERIA,
            "reader": READER,
            "log": self.context.federation.identity,
            "end": END,
            "now": START,
            **other,
        }
        return cursors.read(text, self.context.cursors, **terms)

    def _round_trip(self, raw: bytes) -> str:
        """Any cursor that was written is read again, or refused for the reason that the protocol gives."""
        numbers = [int.from_bytes(raw[at : at + 5]) for at in range(0, 35, 5)]
        positions = tuple(number % (end + 2) for number, end in zip(numbers, END, strict=False))
        began, flags = tuple(numbers[3:6]), numbers[6]
        fresh = START - FRESH_MS + (numbers[0] % 3 - 1)
        cursor = Cursor(
            positions=positions[: 2 + (flags & 1)],
            began=began,
            fresh=fresh,
            filter=cursors.filter_digest(Filter() if flags & 2 else CRITERIA),
            reader=cursors.reader_digest(OTHER if flags & 4 else READER),
            log="another" if flags & 8 else self.context.federation.identity,
        )
        found = self._read(cursors.write(cursor, self.context.cursors))
        beyond = any(position > end for position, end in zip(positions, END, strict=True))
        if not flags & 1 or flags & 12 or START - fresh > FRESH_MS or beyond:
            assert found == "resync-required", found
        elif flags & 2:
            assert found == "cursor-filter", found
        else:
            assert found == cursor, found
        return "round trip" if found == cursor else str(found)

    def _query(self, raw: bytes) -> str:
        """A query is read, or refused with a document that can be sent; an accepted one is read again from its echo."""
        given = URL("/?" + raw.decode(errors="replace").replace("#", ""), encoded=True).query
        partner = Partner(platform="bretagne", name="Bretagne", scopes=frozenset(), territory=frozenset({"35"}))
        outcomes = []
        for reading in (
            lambda: read_changes_query(given, partner, most=MAX_PAGE),
            lambda: read_offers_query(given, partner, most=MAX_PAGE),
            lambda: read_receipt_query(given, most=MAX_PAGE),
        ):
            error = _refusal(reading)
            outcomes.append("query" if error is None else "refused query")
            if error is not None:
                assert error.status == 400, error.code
                for language in LANGUAGES:
                    orjson.dumps(problem_document(error, language))
        if outcomes[0] == "query":
            query = read_changes_query(given, partner, most=MAX_PAGE)
            assert 1 <= query.limit <= MAX_PAGE
            assert 0 <= query.wait <= MAX_WAIT
            assert _PLAIN.fullmatch(given.get("limit", "1")), given["limit"]
            assert _DECIMAL.fullmatch(given.get("wait", "1")), given["wait"]
            assert all(map(_DECIMAL.fullmatch, given.get("bbox", "1").split(","))), given["bbox"]
            orjson.dumps(query.criteria.to_json())
            cursors.filter_digest(query.criteria)
        return outcomes[0]


_PLAIN = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def _refusal(read: Callable[[], object]) -> ProblemError | None:
    try:
        read()
    except ProblemError as error:
        return error
    return None


def _holds(read: Callable[[], object]) -> bool:
    try:
        read()
    except (SnapshotRefusedError, ProblemError):
        return False
    return True


@contextmanager
def opened() -> Iterator[Target]:
    """The target, on the parts of a gateway whose views do not change."""
    with TemporaryDirectory(prefix="passerelle-fuzz-") as folder, asyncio.Runner() as runner:
        gating = opened_gateway(Path(folder), working=False)
        gateway = runner.run(gating.__aenter__())
        try:
            context = gateway.context
            begun = cursors.start(end=END, now=START, criteria=CRITERIA, reader=READER, log=context.federation.identity)
            mark, _ = runner.run(context.federation.snapshots.mark("bretagne"))
            issuer = Issuer(
                context,
                {
                    b"c": cursors.write(begun, context.cursors),
                    b"m": mark,
                    b"i": context.federation.ids.mint("bretagne", partition=1, now=START, nonce=bytes(8)),
                    b"b": write_list_cursor(context, "offers", "bretagne:1", "bretagne"),
                },
            )
            yield Target(
                run=issuer.run,
                seeds=lambda: _seeds(issuer, context),
                outcomes=frozenset({
                    "genuine", "forged", "round trip", "cursor-filter", "resync-required", "query", "refused query",
                }),
                words=WORDS,
                mutate=_mutate,
            )  # fmt: skip
        finally:
            runner.run(gating.__aexit__(None, None, None))


def _seeds(issuer: Issuer, context: Context) -> Sequence[bytes]:
    """Issued texts; as another kind of text; to others; and cursors and queries of all sorts."""
    texts = [text.encode() for text in issuer.issued.values()]
    foreign = context.federation.ids.mint("normandie", partition=1, now=START, nonce=bytes(8)).encode()
    crossed = [kind + text for kind in issuer.issued for text in [*texts, foreign, b"", b"r"]]
    trips = [
        b"r" + number.to_bytes(5) * 3 + bytes(15) + flags.to_bytes(5) for number in (0, 1, 8) for flags in range(16)
    ]
    return [*crossed, *trips, *(b"q" + query for query in _QUERIES)]


def _mutate(raw: bytes, random: Random, scramble: Scramble) -> bytes:
    """Mostly the text is changed and not its kind; sometimes only the spelling of its base64."""
    if raw[:1] in b"cmib" and random.random() < 0.3:
        last = raw[-1:]
        return raw[:-1] + random.choice((last + b"=", last + b"==", bytes([last[0] ^ 1]), b"\n" + last, b"-" + last))
    return raw[:1] + scramble(raw[1:])
