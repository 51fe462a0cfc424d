"""What every copy keeps, whichever database it is in."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from passerelle_client import Change, Connection, Page, PageError, RefusedError, Store, clock, compare, follow
from tests.clients.python.servers import SEEDS, Scripted, document, mocked, scripted

ALL = {"territory": "all"}
CHANGES = "GET /v1/changes"
DAY = 86_400_000


def upsert(offer_id: str, sequence: int, title: str = "T") -> dict[str, Any]:
    return {"op": "upsert", "id": offer_id, "sequence": sequence, "offer": {"title": title}, "later": 1}


def removal(offer_id: str, sequence: int) -> dict[str, Any]:
    return {"op": "removal", "id": offer_id, "sequence": sequence, "reason": "of a later version"}


def page(*changes: dict[str, Any], cursor: str = "c", more: bool = False) -> dict[str, Any]:
    return {"changes": list(changes), "cursor": cursor, "more": more, "fresh": "2027-01-01T00:00:00Z"}


class FollowContract:
    """Tests of one kind of store."""

    @pytest.fixture
    def opened(self) -> Callable[..., Store]:
        """Opens the same copy once more."""
        raise NotImplementedError

    def rows(self, store: Store, statement: str) -> list[tuple[Any, ...]]:
        with store._transaction() as database:
            return list(store._run(database, statement).fetchall())

    def titles(self, store: Store) -> dict[str, str]:
        found = self.rows(store, "SELECT id, offer FROM passerelle_offers WHERE offer IS NOT NULL")
        return {one: (json.loads(offer) if isinstance(offer, str) else offer)["title"] for one, offer in found}

    def test_a_sweep_keeps_nothing_of_the_offers_that_it_removes(self, opened: Callable[..., Store]) -> None:
        store = opened()
        store.apply(Page.read(page(upsert("a:1", 1, "Secret"), upsert("a:2", 2))), store.position(""))
        store.restart(store.position(""))
        store.apply(Page.read(page(upsert("a:2", 2))), store.position(""))
        assert {"a:2": "T"} == self.titles(store)
        assert "Secret" not in str(self.rows(store, "SELECT * FROM passerelle_offers"))

    def test_a_copy_has_every_live_offer_and_then_every_change(self, opened: Callable[..., Store]) -> None:
        """FEED-001, FEED-010: upserts and removals, in as many runs as it takes."""
        with mocked() as mock, mock.connection("bretagne") as publisher, mock.connection("occitanie") as connection:
            follow(connection, opened(), filters=ALL, once=True)
            assert SEEDS == opened().live()
            for number, revision in ((1, 1), (2, 1), (1, 2)):
                body = json.dumps(document(number, revision=revision, seats=revision)).encode()
                headers = {"Content-Type": "application/json", "Prefer": "wait=5"}
                publisher.call("PUT", f"/v1/offers/bretagne:{number}", body=body, headers=headers)
            publisher.call("DELETE", "/v1/offers/bretagne:2", params={"revision": "2"}, headers={"Prefer": "wait=5"})
            store = opened()
            follow(connection, store, filters=ALL, once=True)
            assert SEEDS + 1 == store.live()
            [(offer,)] = self.rows(store, "SELECT offer FROM passerelle_offers WHERE id = 'bretagne:1'")
            assert 2 == (json.loads(offer) if isinstance(offer, str) else offer)["seats"]

    def test_a_copy_is_compared_by_digests_and_mended(self, opened: Callable[..., Store]) -> None:
        """DIG-001."""
        with mocked() as mock, mock.connection("occitanie") as connection:
            store = opened()
            assert [] == compare(connection, store, filters=ALL)
            with store._transaction() as database:
                store._run(database, "DELETE FROM passerelle_offers WHERE id = ?", "normandie:5")
            assert ["normandie:5"] == compare(connection, store, filters=ALL)
            assert SEEDS == store.live()

    @pytest.mark.parametrize("fault", ["unavailable", "lost", "cut", "busy", "expired-token", "duplicate", "slow"])
    def test_a_fault_of_the_feed_loses_nothing(self, opened: Callable[..., Store], fault: str) -> None:
        seconds = {"seconds": 0} if fault in {"unavailable", "busy", "slow"} else {}
        with mocked({"fault": fault, "on": CHANGES, **seconds}) as mock, mock.connection("occitanie") as connection:
            store = opened()
            follow(connection, store, filters=ALL, once=True)
            assert SEEDS == store.live()
            assert fault in {one.get("fault") for one in mock.requests("GET", "/v1/changes")}

    def test_after_410_the_copy_is_read_again_and_is_never_empty(self, opened: Callable[..., Store]) -> None:
        """FEED-009: the old copy stays until the new one is whole; what is gone by then is removed at its end."""
        store, seen = opened(), list[int]()

        def look() -> bool:
            seen.append(store.live())
            return False

        answers = [
            page(upsert("x:1", 1), upsert("x:2", 2), upsert("x:3", 3), removal("x:9", 4), cursor="c1"),
            Scripted(410, {"code": "resync-required"}),
            page(upsert("x:1", 1, "masked"), cursor="c2", more=True),
            page(upsert("x:4", 4), cursor="c3", more=True),
            page(cursor="c4"),
            page(upsert("x:2", 9), cursor="c5"),
        ]
        with feed(*answers) as (connection, came):
            for _ in range(2):
                follow(connection, store, once=True, stop=look)
            assert [0, 3, 3, 3, 4] == seen
            assert {"x:1": "masked", "x:4": "T"} == self.titles(store)
            follow(connection, store, once=True)
            assert {"x:1": "masked", "x:2": "T", "x:4": "T"} == self.titles(store)
        cursors = [path.partition("cursor=")[2] for _, path in came]
        assert ["", "c1", "", "c2", "c3", "c4"] == cursors

    def test_a_410_from_the_start_is_an_error_and_no_loop(self, opened: Callable[..., Store]) -> None:
        with feed(Scripted(410, {"detail": "gone"})) as (connection, _), pytest.raises(RefusedError, match="gone"):
            follow(connection, opened(), once=True)

    def test_a_cursor_that_is_refused_leaves_the_copy_as_it_is(self, opened: Callable[..., Store]) -> None:
        """FEED-004: the address of another gateway, a mock perhaps, must not replace the copy."""
        store = opened()
        with feed(page(upsert("x:1", 1)), Scripted(400, {"code": "cursor-forged"})) as (connection, _):
            follow(connection, store, once=True)
            with pytest.raises(RefusedError, match="400"):
                follow(connection, store, once=True)
        assert {"x:1": "T"} == self.titles(store)

    def test_an_older_change_that_comes_late_is_passed_over(self, opened: Callable[..., Store]) -> None:
        """FEED-002: also one of an offer that has been removed."""
        store = opened()
        with feed(
            page(upsert("x:1", 5, "new"), upsert("x:2", 5), removal("x:2", 6), cursor="c1", more=True),
            page(upsert("x:1", 4, "old"), upsert("x:2", 5), upsert("x:1", 5, "equal"), {"op": "pause", "id": "x:1"}),
        ) as (connection, _):
            follow(connection, store, once=True)
        assert {"x:1": "new"} == self.titles(store)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"op": "upsert", "id": "x:2", "sequence": 3},
            {"op": "removal", "sequence": 3},
            {"op": "removal", "id": "x:1", "sequence": "3"},
            {"op": "removal", "id": "x:1", "sequence": True},
            {"op": "upsert", "id": "x:2", "sequence": 3, "offer": None},
            7,
        ],
    )
    def test_a_page_is_applied_whole_or_not_at_all(self, opened: Callable[..., Store], wrong: Any) -> None:
        store = opened()
        store.apply(Page.read(page(upsert("x:1", 1))))
        with pytest.raises(PageError):
            store.apply(Page.read(page(removal("x:1", 2), wrong, cursor="c2")))
        assert ({"x:1": "T"}, "c") == (self.titles(store), store.position("").cursor)

    def test_what_the_caller_writes_is_stored_with_the_page_or_not_at_all(self, opened: Callable[..., Store]) -> None:
        """A crash between two changes undoes the page, its cursor and the caller's rows."""
        store = opened()
        with store._transaction() as database:
            store._run(database, "CREATE TABLE site (id TEXT, title TEXT)")

        def each(database: Any, change: Change) -> None:
            if change.id == "x:3":
                raise RuntimeError("out of paper")
            title = "removed" if change.offer is None else change.offer["title"]
            store._run(database, "INSERT INTO site VALUES (?, ?)", change.id, title)

        own = opened(each=each)
        first, second = (
            page(upsert("x:1", 1), upsert("x:1", 1), removal("x:2", 2)),
            page(removal("x:1", 3), upsert("x:3", 4)),
        )
        with feed(first, second) as (connection, _):
            follow(connection, own, once=True)
            with pytest.raises(RuntimeError, match="paper"):
                follow(connection, own, once=True)
        assert [("x:1", "T"), ("x:2", "removed")] == self.rows(store, "SELECT id, title FROM site")
        assert ({"x:1": "T"}, "c") == (self.titles(store), store.position("{}").cursor)

    def test_the_caller_learns_of_a_sweep(self, opened: Callable[..., Store]) -> None:
        swept: list[tuple[str, bool]] = []
        store = opened(each=lambda _, change: swept.append((change.id, change.offer is None)))
        with feed(page(upsert("x:1", 1)), Scripted(410, {}), page(upsert("x:2", 2))) as (connection, _):
            for _ in range(2):
                follow(connection, store, once=True)
        assert [("x:1", False), ("x:2", False), ("x:1", True)] == swept

    def test_other_filters_begin_a_new_generation(self, opened: Callable[..., Store]) -> None:
        """FEED-005."""
        store = opened()
        with feed(page(upsert("x:1", 1)), page(upsert("x:2", 2))) as (connection, came):
            follow(connection, store, filters=ALL, once=True)
            follow(connection, store, filters={"level": "seconde"}, once=True)
        assert (False, {"x:2": "T"}) == ("cursor" in came[1][1], self.titles(store))

    def test_a_removal_keeps_its_sequence_for_402_days(self, opened: Callable[..., Store]) -> None:
        store = opened()
        store.apply(Page.read(page(removal("x:1", 5), removal("x:2", 5), upsert("x:3", 5))))
        for offer_id, days in (("x:1", 403), ("x:2", 401), ("x:3", 500)):
            with store._transaction() as database:
                at = clock.now() - days * DAY
                store._run(database, "UPDATE passerelle_offers SET changed_at = ? WHERE id = ?", at, offer_id)
        store.apply(Page.read(page()))
        assert ["x:2", "x:3"] == [one for (one,) in self.rows(store, "SELECT id FROM passerelle_offers ORDER BY id")]

    def test_two_followers_of_one_copy_apply_no_page_of_the_others_generation(
        self, opened: Callable[..., Store]
    ) -> None:
        """A page that was asked for before another follower moved is dropped, whatever it would sweep."""
        one, other = opened(), opened()
        slow, quick = one.position(""), other.position("")
        assert other.apply(Page.read(page(upsert("x:1", 1), cursor="c1")), quick)
        assert not one.apply(Page.read(page(cursor="c0")), slow)
        before = one.position("")
        other.restart(before)
        one.restart(before)
        assert (2, "") == (one.position("").generation, one.position("").cursor)
        assert not one.apply(Page.read(page(cursor="c2")), before)
        assert {"x:1": "T"} == self.titles(one)

    def test_followers_in_threads_make_one_copy(self, opened: Callable[..., Store]) -> None:
        with mocked() as mock:

            def run() -> None:
                with mock.connection("occitanie") as connection:
                    follow(connection, opened(), filters={**ALL, "limit": "7"}, once=True)

            threads = [threading.Thread(target=run) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert SEEDS == opened().live()


@contextmanager
def feed(*answers: Any) -> Iterator[tuple[Connection, list[tuple[str, str]]]]:
    """A connection to a scripted feed, and the paths that were asked for."""
    given = [one if isinstance(one, Scripted) else Scripted(body=one) for one in answers]
    with (
        scripted(*given) as (url, came),
        Connection(url, client_id="occitanie", client_secret="s", language="en") as connection,
    ):
        connection.token()
        came.clear()
        yield connection, came
