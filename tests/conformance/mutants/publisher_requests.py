"""Wrong publishers: ids, revisions and requests that the protocol page rules out."""

import time
import zlib
from base64 import b64encode
from itertools import count
from typing import Any

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import SECRET, Publisher


@wrong("IDN-001", "writes blanks and accents into its ids")
class SendsBlanksInIds(Publisher):
    def id_of(self, key: str, action: str) -> str:
        return super().id_of(f"été%20{key}", action)

    def document(self, offer_id: str, revision: int) -> dict[str, Any]:
        return {**super().document(offer_id, revision), "id": offer_id.replace("%20", " ")}


@wrong("IDN-001", "makes ids of more than 60 characters")
class SendsLongIds(Publisher):
    def id_of(self, key: str, action: str) -> str:
        return super().id_of(key + "-0" * 40, action)


@wrong("IDN-003", "publishes offers of a partner under that partner's slug")
class PublishesForOthers(Publisher):
    def id_of(self, key: str, action: str) -> str:
        return f"normandie:{key}" if int(zlib.crc32(key.encode())) % 2 else super().id_of(key, action)


@wrong("IDN-005", "writes the id in lower case in the address only")
class LowersTheAddress(Publisher):
    def id_of(self, key: str, action: str) -> str:
        return super().id_of(f"Offre-{key}", action)

    async def publish(self, document: dict[str, Any]) -> None:
        await self.deliver(document["id"], "PUT", f"/v1/offers/{document['id'].lower()}", document)


@wrong("REV-004", "takes the time in tens of seconds for a revision, so that two changes share one")
class CountsTensOfSeconds(Publisher):
    def next_revision(self, _offer_id: str, _action: str) -> int:
        return time.time_ns() // 10**10


@wrong("REV-001", "derives the revision from the content, so that it does not grow")
class HashesTheContent(Publisher):
    def next_revision(self, offer_id: str, action: str) -> int:
        return zlib.crc32(f"{offer_id} {action} {self.titles.get(offer_id, 0)}".encode()) or 1


@wrong("REV-001", "counts the revisions of publications and of withdrawals apart")
class CountsWithdrawalsApart(Publisher):
    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.counts: dict[tuple[str, bool], int] = {}

    def next_revision(self, offer_id: str, action: str) -> int:
        key = (offer_id, action == "withdraw")
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]


@wrong("REV-002", "orders its lists otherwise each time it sends")
class ShufflesLists(Publisher):
    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.sends = count()

    def encode(self, body: Any) -> bytes:
        weeks = ["2027-W24", "2027-W23"]
        return super().encode({**body, "weeks": weeks[:: 1 if next(self.sends) % 2 else -1]})


@wrong("REV-004", "writes the number of the try into its extensions")
class NumbersItsTries(Publisher):
    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.sends = count(1)

    def encode(self, body: Any) -> bytes:
        return super().encode({**body, "extensions": {self.slug: {"envoi": next(self.sends)}}})


@wrong("WDR-001", "withdraws without a revision")
class WithdrawsWithoutRevision(Publisher):
    async def withdraw(self, offer_id: str, _revision: int) -> None:
        await self.deliver(offer_id, "DELETE", f"/v1/offers/{offer_id}?reason=filled", None)


@wrong("WDR-001", "withdraws under the revision of the last publication")
class WithdrawsUnderTheLastRevision(Publisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        await super().withdraw(offer_id, revision - 1)


@wrong("PUB-002", "withdraws by publishing a withdrawal")
class PublishesWithdrawals(Publisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        body = {"id": offer_id, "revision": revision, "withdrawn": "filled"}
        await self.deliver(offer_id, "PUT", f"/v1/offers/{offer_id}", body)


@wrong("OFR-041", "withdraws by publishing the offer with its end in the past")
class WithdrawsByEnding(Publisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        await self.publish({**self.document(offer_id, revision), "expires_on": "2026-01-01"})


@wrong("ERR-004", "sends offers in another encoding than gzip")
class SendsDeflated(Publisher):
    async def exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        if data is not None:
            data, headers = zlib.compress(data), {**headers, "Content-Encoding": "deflate"}
        return await super().exchange(method, path, data, headers)


@wrong("SEC-001", "sends its secret in place of a token")
class SendsItsSecret(Publisher):
    def authorization(self) -> dict[str, str]:
        proof = b64encode(f"{self.slug}:{SECRET}".encode()).decode()
        return {"Authorization": f"Basic {proof}"}


@wrong("SEC-001", "sends its token in the address")
class SendsItsTokenInTheAddress(Publisher):
    def authorization(self) -> dict[str, str]:
        return {}

    async def exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        path = f"{path}{'&' if '?' in path else '?'}access_token={self.token}"
        return await super().exchange(method, path, data, headers)


@wrong("SEC-002", "asks for a token that may only read")
class AsksForReadingOnly(Publisher):
    async def renew(self) -> None:
        self.token = (await self.token_answer(scope="offers:read"))["access_token"]
