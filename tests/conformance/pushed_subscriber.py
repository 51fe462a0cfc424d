"""A subscriber that receives pushes as well, correct by itself; each wrong one is a subclass."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from conformance.clock import milliseconds
from tests.conformance.partner_fixtures import ENDPOINT, Subscriber

_TOLERANCE = 300


class PushedSubscriber(Subscriber):
    """Applies each page whole under its generation, and answers once it is stored."""

    pushed = True

    def forget(self) -> None:
        super().forget()
        self.secret = getattr(self, "secret", "")
        self.generation = 0
        self.named: dict[str, int] = {}
        """The generation that named an id last."""

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        if action != "receive":
            return await super().order(action, given)
        self.secret = given["secret"]
        return {"url": self.address + ENDPOINT}

    async def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        if not self.is_signed(headers, body):
            return 401
        page = orjson.loads(body)
        if "code" in page:
            return self.take_code(page)
        before = dict(self.held), dict(self.applied), dict(self.named), self.generation
        try:
            self.store(page)
        except (KeyError, TypeError):
            self.roll_back(*before)
            return 422
        return 204

    def take_code(self, _page: dict[str, Any]) -> int:
        return 204

    def roll_back(self, held: Any, applied: Any, named: Any, generation: int) -> None:
        self.held, self.applied, self.named, self.generation = held, applied, named, generation

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        offered = self.offered(headers.get("webhook-signature", ""))
        return self.expected(headers, body) in offered and self.is_fresh(headers)

    def offered(self, signatures: str) -> Sequence[str]:
        return signatures.split(" ")

    def expected(self, headers: Mapping[str, str], body: bytes) -> str:
        content = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()

    def is_fresh(self, headers: Mapping[str, str]) -> bool:
        return abs(milliseconds() / 1_000 - int(headers["webhook-timestamp"])) <= _TOLERANCE

    def store(self, page: dict[str, Any]) -> None:
        if page["generation"] < self.generation:
            return
        if page["generation"] > self.generation:
            self.begin(page["generation"])
        for change in page["changes"]:
            self.apply(change)
        if not page["more"]:
            self.sweep(page)

    def begin(self, generation: int) -> None:
        self.generation = generation

    def is_seen(self, change: dict[str, Any]) -> bool:
        return self.named.get(change["id"]) == self.generation and super().is_seen(change)

    def apply(self, change: dict[str, Any]) -> None:
        super().apply(change)
        self.named[change["id"]] = self.generation

    def sweep(self, _page: dict[str, Any]) -> None:
        for offer_id in [one for one in self.held if self.named.get(one) != self.generation]:
            del self.held[offer_id]
