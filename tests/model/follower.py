"""Subscribers of the changes feed, each with a copy kept by cursor, sequence and removal only."""

from typing import Any

from tests.api.write.gateway_harness import GatewayHarness
from tests.model.content import ADDRESS, WISHES
from tests.model.spec import Model


class Follower:
    """Holds id → revision. ``asked`` is its filter; where it asks for nothing, its platform's territory is meant."""

    def __init__(self, gateway: GatewayHarness, platform: str, asked: dict[str, str]) -> None:
        self.platform = platform
        self.asked = asked
        self.cursor: str | None = None
        self.held: dict[str, int] = {}
        self.removals = 0
        self._gateway = gateway
        self._seen: dict[str, int] = {}

    def expected(self, model: Model) -> dict[str, int]:
        """The copy that it must have at the end."""
        by_default = {"department": "31"} if self.platform == "occitanie" and not self.asked else {}
        return model.visible(self.platform, {**by_default, **self.asked})

    async def read(self, model: Model, *, limit: int = 1_000) -> None:
        """Read to the end, and check every change."""
        more = True
        while more:
            body = await self._page(limit)
            for change in body["changes"]:
                self._apply(change, model)
            self.cursor, more = body["cursor"], body["more"]

    async def _page(self, limit: int) -> dict[str, Any]:
        query = "&".join(f"{name}={value}" for name, value in {**self.asked, "limit": str(limit)}.items())
        text = f"&cursor={self.cursor}" if self.cursor else ""
        answer = await self._gateway.ask("GET", f"/v1/changes?{query}{text}", who=self.platform)
        assert 200 == answer.status, answer.raw
        assert ADDRESS.encode() not in answer.raw, "[OFR-034]"
        page: dict[str, Any] = answer.body
        return page

    def _apply(self, change: dict[str, Any], model: Model) -> None:
        offer_id = change["id"]
        assert change["sequence"] > self._seen.get(offer_id, 0), "[FEED-001]: not in order, or told twice"
        self._seen[offer_id] = change["sequence"]
        standing = model.offers[offer_id]
        if change["op"] == "removal":
            assert {"op", "id", "sequence", "reason"} == set(change), "[FEED-008]"
            assert self.platform in standing.allowed, f"[FEED-007]: {offer_id} was never shareable with {self.platform}"
            self.removals += 1
            self.held.pop(offer_id, None)
            return
        if standing.wish is not None and WISHES[standing.wish].masked:
            assert "name" not in change["offer"]["employer"], "[RTE-005]"
        self.held[offer_id] = change["offer"]["revision"]
