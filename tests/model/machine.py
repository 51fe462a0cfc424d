"""A gateway and the model side by side: random requests, each answered as predicted, and equal offers at the end."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.api.write.gateway_harness import ndjson
from tests.model.content import WISHES, document
from tests.model.model_harness import FILTERS, LINES, PUBLISHERS, READERS, WAIT, ModelHarness, another
from tests.model.spec import Mark, Model, Publish, Withdraw

platforms = st.sampled_from(PUBLISHERS)
numbers = st.integers(1, 4)
steps = st.sampled_from((1, 0, 2, -1))
wishes = st.sampled_from(sorted(WISHES))
seldom = st.sampled_from((False, False, False, True))
kinds = st.sampled_from(("publish", "publish", "withdraw", "unsound", "foreign"))
followers = st.integers(0, len(READERS) * len(FILTERS) - 1)


class Federation(RuleBasedStateMachine):
    """Every rule sends requests and compares the answers; the end compares the states."""

    def __init__(self, model: Model | None = None) -> None:
        super().__init__()
        self.harness = ModelHarness(Model(READERS) if model is None else model)
        self.model, self.gateway = self.harness.model, self.harness.gateway

    @rule(platform=platforms, number=numbers, step=steps, wish=wishes, dry=seldom)
    def put(self, platform: str, number: int, step: int, wish: str, *, dry: bool) -> None:
        """[PUB-001] [PUB-006] [REV-001] [REV-003] [REV-004] [REV-005]"""
        offer_id = f"{platform}:{number}"
        item = Publish(offer_id, self.harness.revision(offer_id, step), wish)
        query = "?dry_run=true" if dry else ""
        answer = self.harness.run(self.gateway.put(document(item.id, item.revision, wish), query=query, who=platform))
        if dry:
            assert (200, "valid") == (answer.status, answer.body["status"])
        else:
            self.harness.decided(answer, item)

    @rule(platform=platforms, number=numbers, said=st.lists(wishes, min_size=2, max_size=4))
    def revise(self, platform: str, number: int, said: list[str]) -> None:
        """[RTE-006] [FEED-006]: consecutive revisions, each shared differently; subscribers see only the last one."""
        offer_id = f"{platform}:{number}"
        for wish in said:
            item = Publish(offer_id, self.harness.revision(offer_id, 1), wish)
            answer = self.harness.run(self.gateway.put(document(item.id, item.revision, wish), who=platform))
            self.harness.decided(answer, item)

    @rule(platform=platforms, number=numbers, step=steps, reason=st.sampled_from(("filled", "cancelled")))
    def delete(self, platform: str, number: int, step: int, reason: str) -> None:
        """[PUB-002] [WDR-001] [WDR-002]"""
        offer_id = f"{platform}:{number}"
        item = Withdraw(offer_id, self.harness.revision(offer_id, step), reason)
        path = f"/v1/offers/{offer_id}?revision={item.revision}&reason={reason}"
        self.harness.decided(self.harness.ask("DELETE", path, who=platform, headers=WAIT), item)

    @rule(
        platform=platforms,
        asked=st.lists(st.tuples(kinds, numbers, steps, wishes), max_size=5),
        partial=st.booleans(),
        dry=seldom,
        key=st.sampled_from((None, None, "a", "b")),
    )
    def batch(self, platform: str, asked: list[Any], key: str | None, *, partial: bool, dry: bool) -> None:
        """[PUB-010] [PUB-011] [PUB-012] [PUB-043]"""
        lines = [self.harness.line(platform, *one) for one in asked]
        body = ndjson(*(line.document for line in lines))
        query = f"?partial={str(partial).lower()}&dry_run={str(dry).lower()}"
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.harness.run(self.gateway.batch(body, query=query, who=platform, headers=headers))
        if key is not None and (platform, key) in self.harness.keys:
            if (query, body) != self.harness.keys[platform, key][:2]:
                assert (422, "idempotency-reused") == (answer.status, answer.code)
            return
        if key is not None:
            self.harness.keys[platform, key] = query, body, answer
        self.harness.queued(answer, lines, partial=partial, dry=dry)

    @precondition(lambda self: self.harness.keys)
    @rule(choice=st.integers(0, 3))
    def repeat(self, choice: int) -> None:
        """[PUB-041]: the answer that was given first, and nothing is queued again."""
        known = sorted(self.harness.keys)
        platform, key = known[choice % len(known)]
        query, body, first = self.harness.keys[platform, key]
        headers = {"Idempotency-Key": key}
        answer = self.harness.run(self.gateway.batch(body, query=query, who=platform, headers=headers))
        assert (first.status, first.raw, "true") == (answer.status, answer.raw, answer.headers["Idempotency-Replayed"])

    @rule(platform=platforms)
    def take_mark(self, platform: str) -> None:
        """[PUB-020]: it marks the moment before it."""
        self.gateway.clock.now += 1_000
        text = self.harness.run(self.gateway.mark(who=platform))
        self.harness.marks.append((text, Mark(platform, self.model.step, self.gateway.clock.now)))

    @precondition(lambda self: self.harness.marks)
    @rule(
        choice=st.integers(0, 5),
        strange=seldom,
        sent=st.lists(st.tuples(numbers, steps, wishes), max_size=4, unique_by=lambda one: one[0]),
        again=st.booleans(),
        unsound=seldom,
        wrong_count=seldom,
        confirmed=st.booleans(),
    )
    def snapshot(
        self,
        choice: int,
        sent: list[Any],
        *,
        strange: bool,
        again: bool,
        unsound: bool,
        wrong_count: bool,
        confirmed: bool,
    ) -> None:
        """[PUB-021] to [PUB-028] [WDR-008]: a set of live offers, or of any, with a mark that may be used already."""
        text, mark = self.harness.marks[-1 - choice % len(self.harness.marks)]
        platform = another(mark.platform) if strange else mark.platform
        ids = [(f"{platform}:{number}", step, wish) for number, step, wish in sent]
        items = [Publish(offer_id, self.harness.revision(offer_id, step), wish) for offer_id, step, wish in ids]
        items = [self.harness.as_it_stands(item) for item in items] if again else items
        lines = [document(item.id, item.revision, item.wish) for item in items]
        spoilt = [items.pop(0).id] if unsound and items else []
        if spoilt:
            lines[0]["seats"] = 0
        confirm = len(self.model.live(platform)) if confirmed else None
        body = ndjson(*lines, {"count": len(lines) + wrong_count})
        query = f"?mark={text}" + ("" if confirm is None else f"&confirm={confirm}")
        answer = self.harness.ask("POST", f"/v1/snapshots{query}", who=platform, body=body, headers=LINES)
        if strange:
            assert (409, "mark-invalid") == (answer.status, answer.code)
            return
        if wrong_count:
            assert (422, "snapshot-count-wrong") == (answer.status, answer.code)
            return
        withdrawn = self.model.snapshot(mark, items, spoilt, confirm)
        if isinstance(withdrawn, str):
            assert (409, withdrawn) == (answer.status, answer.code)
            return
        status = 202 if items or withdrawn else 200
        assert (status, withdrawn, len(items)) == (answer.status, answer.body["withdrawn"], answer.body["queued"])

    @rule(platform=platforms, number=numbers, action=st.sampled_from(("moderate", "lift")))
    def moderate(self, platform: str, number: int, action: str) -> None:
        """[WDR-006] [WDR-007] [RCP-003]"""
        self.harness.settle()
        offer_id = f"{platform}:{number}"
        answer = self.harness.ask(
            "POST", f"/v1/offers/{offer_id}/moderation", json={"action": action}, who="normandie/operate", headers=WAIT
        )
        outcome = self.model.moderate(offer_id, action)
        if isinstance(outcome, str):
            assert (404 if outcome == "offer-unknown" else 409, outcome) == (answer.status, answer.code)
        else:
            assert (outcome.status, outcome.verdict) == (answer.status, answer.body["verdict"])

    @rule(platform=platforms, number=numbers, wish=wishes)
    def trespass(self, platform: str, number: int, wish: str) -> None:
        """[SEC-001] [SEC-002] [SEC-005] [IDN-003] [PUB-003]: refused alike, and nothing comes of it."""
        body = document(f"{platform}:{number}", 9_000, wish)
        path = f"/v1/offers/{platform}:{number}"
        for who, expected in (
            (None, (401, "token-missing")), ("gone", (401, "token-invalid")), ("nobody", (401, "token-invalid")),
            (another(platform), (403, "not-owner")), (f"{platform}/offers:read", (403, "scope-missing")),
        ):  # fmt: skip
            put = self.harness.run(self.gateway.put(body, who=who))
            delete = self.harness.ask("DELETE", f"{path}?revision=9000", who=who)
            assert [expected] * 2 == [(answer.status, answer.code) for answer in (put, delete)]
        who = f"{another(platform)}/offers:publish"
        assert 403 == self.harness.ask("POST", f"{path}/moderation", json={"action": "moderate"}, who=who).status
        unsound = self.harness.run(self.gateway.put({**body, "seats": 0}, who=platform))
        assert (422, "submission-refused") == (unsound.status, unsound.code)

    @rule(number=followers, limit=st.sampled_from((1, 2, 1_000)))
    def follow(self, number: int, limit: int) -> None:
        """[FEED-001] [FEED-006] [FEED-007] [FEED-008]: a subscriber catches up, by pages of any size."""
        self.harness.settle()
        follower = self.harness.followers[number]
        self.harness.run(follower.read(self.model, limit=limit))
        assert follower.expected(self.model) == follower.held

    @rule(number=followers)
    def mistake_a_cursor(self, number: int) -> None:
        """[FEED-004] [FEED-005]"""
        self.harness.settle()
        follower = self.harness.followers[number]
        self.harness.run(follower.read(self.model))
        path = f"/v1/changes?territory=all&level=seconde&cursor={follower.cursor}"
        for end, code in (("", "cursor-filter"), ("A", "cursor-forged")):
            answer = self.harness.ask("GET", path + end, who=follower.platform)
            assert (400, code) == (answer.status, answer.code)

    @rule(reader=st.sampled_from(READERS), platform=platforms, number=numbers)
    def look(self, reader: str, platform: str, number: int) -> None:
        """[ERR-003] [WDR-011] [RTE-002]: one offer, as this subscriber may see it."""
        self.harness.settle()
        offer_id = f"{platform}:{number}"
        known = self.model.offers.get(offer_id)
        answer = self.harness.ask("GET", f"/v1/offers/{offer_id}", who=reader)
        own = reader == platform
        if known is not None and (offer_id in self.model.visible(reader, {}) or (own and known.reason is None)):
            assert (200, known.revision) == (answer.status, answer.body["offer"]["revision"])
        elif known is not None and own:
            marker = answer.body["marker"]
            assert (410, known.revision, known.reason) == (answer.status, marker["revision"], marker["reason"])
        else:
            assert (404, "not-found") == (answer.status, answer.code)

    def teardown(self) -> None:
        """Compare the states, then close the gateway."""
        try:
            self.harness.run(self.harness.compare())
        finally:
            self.harness.close()
