"""Possible duplicates are found wherever their keys are: pending, in the file, or in both, by view and follower."""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.identity import platform_of
from gateway.protocol.visibility import Reader
from gateway.store import OfferView
from gateway.store.search.index_store import PERIOD
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of

pytestmark = pytest.mark.slow

READERS = (Reader("bretagne"), Reader("normandie"), Reader("national"))
IDS = [f"{platform}:{number}" for platform in ("bretagne", "normandie", "grand-est") for number in range(70)]


def alike(path: Path, reader: Reader) -> Mapping[str, list[str]]:
    """The same from the rows alone: of each key the first 20 others, then those the reader may see, 10 at most."""
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT id, link, site, firm, audiences, passed FROM offers ORDER BY number").fetchall()
    live = [row for row in rows if row[4] is not None]
    found: dict[str, list[str]] = {}
    for offer_id, link, site, firm, _, _ in live:
        others = [row for row in live if row[0] != offer_id]
        by_link = [row for row in others if row[1] == link][:20]
        by_site = [row for row in others if site is not None and row[2] == site][:20]
        by_firm = [row for row in others if firm is not None and row[3] == firm and None in (site, row[2])][:20]
        visible = {row[0] for row in (*by_link, *by_site, *by_firm) if sees(reader, row)}
        if visible:
            found[offer_id] = sorted(visible)[:10]
    return found


def sees(reader: Reader, row: tuple[Any, ...]) -> bool:
    own = platform_of(row[0]) == reader.platform
    return own or (reader.audience in row[4].split() and reader.platform not in row[5].split())


def changes(chance: random.Random, offer_topic: OfferTopic) -> Iterator[None]:
    """Steps of a topic with many similar offers, and some keys shared by more than 20."""
    for _ in range(30):
        for _ in range(chance.randrange(40)):
            offer_id, what = chance.choice(IDS), chance.random()
            if what < 0.15:
                offer_topic.withdraw(offer_id)
            elif what < 0.2:
                offer_topic.forget(offer_id)
            else:
                employer = {
                    "name": chance.choice(("Le Goff", "Riou", "SARL Riou", None)),
                    "siret": chance.choice((None, None, "73282932000074", "35600000000048")),
                }
                weeks = chance.choice((["2027-W24"], ["2027-W24", "2027-W25"]))
                url = chance.choice(("https://a.example/all", f"https://a.example/{offer_id}"))
                offer_topic.publish(
                    offer_of(offer_id, employer=employer, weeks=weeks, apply_url=url),
                    gap=chance.choice((0, 0, 0, 0, PERIOD // 3)),
                    passed=("normandie",) if what < 0.3 else (),
                )
        yield


@pytest.mark.parametrize("seed", range(3))
async def test_possible_duplicates_match_those_computed_from_the_rows(
    offers: OfferView, offer_topic: OfferTopic, tmp_path: Path, seed: int
) -> None:
    """Over revisions, withdrawals, periods that end, restarts, and a view that is emptied and filled again."""
    path, chance, view = tmp_path / "offers.sqlite", random.Random(seed), offers
    followed = await OfferView.follow(path, log_identity=LOG, partitions=PARTITIONS)
    try:
        for step, _ in enumerate(changes(chance, offer_topic)):
            if step == 17:
                offer_topic.rewind()
                await view.wipe((0,) * PARTITIONS, now=1)
                await view.apply(offer_topic.chunks())
                assert {} == await view.possible_duplicates(IDS, reader=READERS[0])
                await view.settle()
            if step % 4 == 3:  # a period ends with the next step
                assert view._index is not None
                view._index._recent.size = PERIOD
            await view.apply(offer_topic.chunks())
            if step % 10 == 9:
                if view is not offers:
                    await view.close()
                view = await OfferView.open(path, log_identity=LOG, partitions=PARTITIONS)
            if step % 2:
                for reader in READERS:
                    expected = alike(path, reader)
                    assert (
                        expected
                        == await view.possible_duplicates(IDS, reader=reader)
                        == await followed.possible_duplicates(IDS, reader=reader)
                    )
        with sqlite3.connect(path) as db:
            (written,) = db.execute("SELECT count(*) FROM duplicate_keys").fetchone()
            (stale,) = db.execute(
                "SELECT count(*) FROM duplicate_keys WHERE number NOT IN (SELECT number FROM offers)"
            ).fetchone()
        assert written > 0 == stale
    finally:
        await followed.close()
        if view is not offers:
            await view.close()
