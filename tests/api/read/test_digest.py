"""Equal copies: the digest of a reader's copy, against a copy in SQLite that was written from the protocol page."""

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from gateway.api.digest import DIGESTS, KeptCopies
from gateway.protocol.topic import DAY_MS
from gateway.protocol.visibility import Filter, Reader
from gateway.store.reader_copy import ReaderCopy
from tests.api.read.read_api import Answer, ReadApi
from tests.api.read.sqlite_copy import SqliteCopy
from tests.store.offer_topic import offer_of

pytestmark = pytest.mark.slow

ALL = "territory=all"
EMPTY = SqliteCopy().node("")["digest"]


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def drawn(chance: random.Random, number: int) -> dict[str, Any]:
    """An offer, now and then with numbers that JSON writes in more than one way, or with the employer hidden."""
    more: dict[str, Any] = {"title": f"Observer {chance.random()}", "location": {}}
    if chance.random() < 0.3:
        more["location"] = {"latitude": chance.choice((48, 48.0, 48.123456, 1e-7)), "longitude": -1.0}
    if chance.random() < 0.3:
        more["extensions"] = {"bretagne": {"é": 1e21, "\U0001f600": -0.0, "\ufb33": 0.1, "b": [1.0, 333333333.3333333]}}
    if chance.random() < 0.3:
        more["redistribution"] = {"mask_employer": True}
    return offer_of(f"bretagne:{number}", **more)


async def change(api: ReadApi, chance: random.Random, numbers: range) -> None:
    """One change of one offer."""
    number = chance.choice(numbers)
    if chance.random() < 0.2 and f"bretagne:{number}" in api.offer_topic.states:
        await api.withdraw(f"bretagne:{number}")
    else:
        await api.publish(drawn(chance, number))


async def compare(api: ReadApi, copy: SqliteCopy, node: str = "", *, who: str = "rennes", query: str = ALL) -> Answer:
    """The gateway's answer for this node, once its page has been applied to the copy and no more is left."""
    while True:
        parameters = [query, f"node={node}" if node else "", f"cursor={quote(copy.cursor)}" if copy.cursor else ""]
        answer = await api.get(f"/v1/changes/digest?{'&'.join(filter(None, parameters))}", who)
        assert answer.status == 200, answer.body
        copy.apply(answer.body)
        if not answer.body["more"]:
            assert answer.body["node"] == node
            return answer
        assert "digest" not in answer.body


def differing(copy: SqliteCopy, answer: Answer) -> Iterator[str]:
    """The paths of the children whose digests differ."""
    mine = copy.node(answer.body["node"])["children"]
    for number, pair in enumerate(zip(mine, answer.body["children"], strict=True)):
        if pair[0] != pair[1]:
            yield f"{answer.body['node']}{number:02x}"


async def differences(api: ReadApi, copy: SqliteCopy) -> set[str]:
    """The ids that differ: a request for the root, and for each inner node and leaf that differs."""
    found = set()
    for inner in differing(copy, await compare(api, copy)):
        for leaf in differing(copy, await compare(api, copy, inner)):
            items = (await compare(api, copy, leaf)).body["items"]
            theirs, mine = ({item["id"]: item for item in each} for each in (items, copy.node(leaf)["items"]))
            found |= {name for name in theirs | mine if theirs.get(name) != mine.get(name)}
    return found


def diverge(copy: SqliteCopy, chance: random.Random, many: int) -> set[str]:
    """Falsify a copy in so many places, in every way; the ids."""
    held = [name for (name,) in copy.db.execute("SELECT id FROM offers WHERE document IS NOT NULL ORDER BY id")]
    extra = [f"bretagne:extra-{number}" for number in range(many // 5)]
    copy.db.executemany("INSERT INTO offers VALUES (?, 1, '{}')", [(name,) for name in extra])
    wrong = chance.sample(held, many - len(extra))
    for name in wrong:
        (text,) = copy.db.execute("SELECT document FROM offers WHERE id = ?", (name,)).fetchone()
        document = json.loads(text)
        match chance.choice(("missing", "stale", "corrupt", "mparameters")):
            case "missing":
                copy.db.execute("DELETE FROM offers WHERE id = ?", (name,))
                continue
            case "stale":
                copy.db.execute("UPDATE offers SET sequence = sequence - 1 WHERE id = ?", (name,))
                document["title"] = "Avant"
            case "corrupt":
                document["title"] += " "
            case "mparameters" if document["employer"]:
                document["employer"] = {}
            case "mparameters":
                document["employer"] = {"name": "Menuiserie Le Goff"}
        copy.db.execute("UPDATE offers SET document = ? WHERE id = ?", (json.dumps(document), name))
    return {*extra, *wrong}


@pytest.mark.parametrize("seed", range(2))
async def test_every_seeded_divergence_of_one_to_a_thousand_is_named_exactly(api: ReadApi, seed: int) -> None:
    """DIG-002, DIG-003, DIG-004: missing, extra, stale, corrupt or mparameters differently."""
    chance, copy = random.Random(seed), SqliteCopy()
    for number in range(1_200):
        await api.publish(drawn(chance, number), wait=number == 1_199)
    for many in (0, 1, chance.randint(2, 30), chance.randint(500, 1_000)):
        copy.db.execute("DELETE FROM offers")
        copy.cursor = ""
        await compare(api, copy)
        assert diverge(copy, chance, many) == await differences(api, copy)


@pytest.mark.parametrize("seed", range(2))
async def test_page_and_digest_are_of_one_moment_while_offers_change(api: ReadApi, seed: int) -> None:
    """DIG-001: after each page the copy is equal, for readers that see the offers differently, from start to end."""
    chance, numbers = random.Random(seed), range(40)
    readers = [("rennes", ALL), ("rennes", ""), ("normandie", f"{ALL}&sector=s12&bbox=-2,47,0,49"), ("national", "")]
    copies = [SqliteCopy() for _ in readers]
    for step in range(60):
        for _ in range(chance.randint(0, 5)):
            await change(api, chance, numbers)
        if step % 10 == 0:
            await api.publish(offer_of("normandie:own"))
        (who, query), copy = chance.choice(list(zip(readers, copies, strict=True)))
        answer = await compare(api, copy, who=who, query=query)
        assert answer.body["digest"] == copy.node("")["digest"]


async def test_a_page_with_more_behind_it_has_no_node(api: ReadApi) -> None:
    """DIG-001: the reader is not where the gateway is."""
    for number in range(3):
        await api.publish(offer_of(f"bretagne:{number}"))
    page = await api.get("/v1/changes/digest?limit=2")
    assert ({"changes", "cursor", "fresh", "more"}, 2) == (set(page.body), len(page.body["changes"]))
    cursor = quote(page.body["cursor"])
    assert "digest" in (await api.get(f"/v1/changes/digest?limit=2&cursor={cursor}")).body


async def test_a_copy_without_offers_has_the_same_digests_for_every_reader(api: ReadApi) -> None:
    """DIG-003: removed offers, own ones, and those that were never shareable are no part of it."""
    await api.publish(offer_of("rennes:1"))
    await api.publish(offer_of("bretagne:1", redistribution={"regions": False}))
    await api.publish(offer_of("bretagne:2"))
    await api.withdraw("bretagne:2")
    assert EMPTY == (await api.get("/v1/changes/digest")).body["digest"]
    assert [] == (await api.get("/v1/changes/digest?node=0000")).body["items"]
    assert EMPTY != (await api.get("/v1/changes/digest", "national")).body["digest"]


@pytest.mark.parametrize(
    ("query", "who", "expected"),
    [
        ("cursor=AAAA", "rennes", (400, "cursor-forged")),
        ("node=0", "rennes", (400, "parameter-invalid")),
        ("node=0G", "rennes", (400, "parameter-invalid")),
        ("node=000000", "rennes", (400, "parameter-invalid")),
        ("wait=1", "rennes", (400, "parameter-unknown")),
        ("", "nothing", (403, "scope-missing")),
        ("", None, (401, "token-missing")),
    ],
)
async def test_what_the_feed_refuses_is_refused(
    api: ReadApi, query: str, who: str | None, expected: tuple[int, str]
) -> None:
    """DIG-001: and a node that is none."""
    assert expected == code(await api.get(f"/v1/changes/digest?{query}", who))


async def test_the_cursor_belongs_to_its_reader_and_filter(api: ReadApi) -> None:
    """DIG-001: a cursor of the feed, and one of this answer for the feed."""
    cursor = quote((await api.get("/v1/changes")).body["cursor"])
    assert (400, "cursor-filter") == code(await api.get(f"/v1/changes/digest?{ALL}&cursor={cursor}"))
    assert (410, "resync-required") == code(await api.get(f"/v1/changes/digest?cursor={cursor}", "normandie"))
    answer = await api.get(f"/v1/changes/digest?cursor={cursor}")
    assert 200 == (await api.get(f"/v1/changes?cursor={quote(answer.body['cursor'])}")).status


async def test_one_request_of_a_partner_runs_at_a_time(api: ReadApi) -> None:
    """ERR-008."""
    with api.client.app[DIGESTS].one("rennes"):
        busy = await api.get("/v1/changes/digest")
        assert ((503, "digests-busy"), "5") == (code(busy), busy.headers["Retry-After"])
        assert 200 == (await api.get("/v1/changes/digest", "normandie")).status


async def test_a_copy_that_is_kept_follows_the_feed_over_days(api: ReadApi) -> None:
    copy = SqliteCopy()
    for day in range(3):
        await api.publish(offer_of(f"bretagne:{day}"))
        await compare(api, copy)
        await api.publish(offer_of("bretagne:0", title=f"{day}"))
        answer = await compare(api, copy)
        assert answer.body["digest"] == copy.node("")["digest"]
        api.clock.now += DAY_MS


async def test_a_view_that_is_filled_again_does_not_mislead_a_copy(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    copy = SqliteCopy()
    first = await compare(api, copy)
    view = api.context.federation.offers
    await api.hold_back()
    await view.wipe([0] * len(view.positions), api.clock())
    api.go_on()
    async with asyncio.timeout(10):
        while not (view.caught_up and view.fresh):
            await asyncio.sleep(0.005)
    again = await compare(api, copy)
    assert first.body["digest"] == again.body["digest"] == copy.node("")["digest"]


def test_few_copies_are_kept_and_one_of_any_size() -> None:
    kept, large = KeptCopies(), ReaderCopy(Reader("rennes"), Filter())
    for number in range(9):
        kept.put(("rennes", f"{number}"), ReaderCopy(Reader("rennes"), Filter()))
    assert kept.take(("rennes", "0")) is None
    large.tree.put(dict.fromkeys(range(300_001), b"bretagne:1 1 0\n"))
    kept.put(("rennes", "large"), large)
    assert [None, large] == [kept.take(("rennes", name)) for name in ("8", "large")]
