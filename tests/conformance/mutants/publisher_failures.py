"""Wrong publishers: 503, 429, 401, a lost connection or a late answer makes them lose, reorder or change an offer."""

import asyncio
from typing import Any

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Publisher
from tests.conformance.partner_kinds import QueuedPublisher, WaitingPublisher


@wrong("ERR-009", "gives an offer up after three answers of 503")
class GivesUpAfterThree(Publisher):
    async def deliver(self, _offer_id: str, method: str, path: str, body: Any) -> None:
        for _ in range(3):
            if not await self.repeats(*await self.send(method, path, body)):
                return


@wrong("ERR-008", "sends again once, whatever the second answer is")
class SendsAgainOnce(Publisher):
    async def deliver(self, _offer_id: str, method: str, path: str, body: Any) -> None:
        if await self.repeats(*await self.send(method, path, body)):
            await self.send(method, path, body)


@wrong("ERR-009", "raises the revision of a withdrawal each time it sends it again")
class RaisesWithdrawalsAgain(Publisher):
    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        while await self.repeats(*await self.send(method, path, body)):
            if body is None:
                self.revisions[offer_id] += 1
                path = f"/v1/offers/{offer_id}?revision={self.revisions[offer_id]}&reason=filled"


@wrong("REV-003", "reads the answer duplicate as an error, and publishes under a new revision")
class FearsDuplicates(WaitingPublisher):
    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        while True:
            status, answer, retry = await self.send(method, path, body)
            if status == 200 and answer and answer.get("verdict") == "duplicate" and body is not None:
                self.revisions[offer_id] += 1
                body = {**body, "revision": self.revisions[offer_id]}
            elif not await self.repeats(status, answer, retry):
                return


@wrong("ERR-009", "drops an offer when the answer is late")
class DropsWhatIsLate(Publisher):
    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        try:
            async with asyncio.timeout(0.5):
                return await super().send(method, path, body)
        except TimeoutError:
            return 200, None, 0.0


@wrong("ERR-009", "takes a late answer for a refusal, and publishes the offer as a new one")
class PublishesAnotherWhenLate(Publisher):
    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        try:
            async with asyncio.timeout(0.5):
                return await super().send(method, path, body)
        except TimeoutError:
            if body is None:
                return 0, None, 0.0
            other = {**body, "id": f"{body['id']}-2"}
            return await super().send(method, f"/v1/offers/{other['id']}", other)


@wrong("ERR-006", "reads Retry-After as milliseconds")
class WaitsMilliseconds(Publisher):
    async def wait(self, status: int, retry: float) -> None:
        await super().wait(status, retry / 1000)


@wrong("ERR-006", "waits after 503, but not after 429")
class HurriesWhenTooMany(Publisher):
    async def wait(self, status: int, retry: float) -> None:
        await super().wait(status, 0.0 if status == 429 else retry)


@wrong("ERR-008", "waits after 429, but not after 503")
class HurriesWhenUnavailable(Publisher):
    async def wait(self, status: int, retry: float) -> None:
        await super().wait(status, 0.0 if status == 503 else retry)


@wrong("ERR-008", "waits half a second whatever Retry-After asks for")
class WaitsFixedTime(Publisher):
    async def wait(self, status: int, _retry: float) -> None:
        await super().wait(status, 0.5)


@wrong("ERR-008", "forgets a withdrawal that is answered 503")
class ForgetsWithdrawalsOnFailure(Publisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        await self.send("DELETE", f"/v1/offers/{offer_id}?revision={revision}&reason=filled")


@wrong("ERR-009", "forgets a withdrawal whose answer is lost")
class TakesSilenceForWithdrawal(Publisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        status = 503
        while status in {401, 429, 503}:
            if status == 401:
                await self.renew()
            status, _, retry = await self.send("DELETE", f"/v1/offers/{offer_id}?revision={revision}&reason=filled")
            await asyncio.sleep(retry)


@wrong("ERR-006", "forgets a withdrawal that is answered 429")
class ForgetsLimitedWithdrawals(Publisher):
    ends = 429

    async def withdraw(self, offer_id: str, revision: int) -> None:
        path = f"/v1/offers/{offer_id}?revision={revision}&reason=filled"
        status, answer, retry = await self.send("DELETE", path)
        while status != self.ends and await self.repeats(status, answer, retry):
            status, answer, retry = await self.send("DELETE", path)


@wrong("ERR-008", "drops the changes of an offer while an earlier one waits")
class DropsChangesMeanwhile(Publisher):
    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        if offer_id not in self.locks or not self.locks[offer_id].locked():
            await super().deliver(offer_id, method, path, body)


@wrong("ERR-008", "drops what is created while the gateway is unavailable")
class DropsAllMeanwhile(Publisher):
    down = False

    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        if not self.down:
            await super().deliver(offer_id, method, path, body)

    async def wait(self, status: int, retry: float) -> None:
        self.down = True
        await super().wait(status, retry)
        self.down = False


@wrong("SEC-001", "drops the offer whose token had expired")
class DropsOnExpiry(Publisher):
    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        again = await super().repeats(status, answer, retry)
        return again and status != 401


@wrong("SEC-001", "renews the token for publications, not for withdrawals")
class WithdrawsWithOldTokens(ForgetsLimitedWithdrawals):
    ends = 401


@wrong("SEC-001", "stops for good at the first 401")
class StopsAtExpiry(Publisher):
    stopped = False

    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        if not self.stopped:
            await super().deliver(offer_id, method, path, body)

    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        self.stopped = self.stopped or status == 401
        return not self.stopped and await super().repeats(status, answer, retry)


@wrong("PUB-004", "takes 202 for a failure, and publishes under a new revision")
class PublishesAgainWhenAccepted(Publisher):
    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        for _ in range(3):
            status, answer, retry = await self.send(method, path, body)
            if status == 202 and body is not None:
                self.revisions[offer_id] += 1
                body = {**body, "revision": self.revisions[offer_id]}
            elif not await self.repeats(status, answer, retry):
                return


@wrong("PUB-005", "takes the decision of a publication that it waited for, when it comes late, for a failure")
class FearsLateDecisions(PublishesAgainWhenAccepted, WaitingPublisher):
    pass


@wrong("PUB-003", "stops its queue at the first offer that is refused")
class StopsAtRefusals(QueuedPublisher):
    async def work(self) -> None:
        status, answer, retry = await self.send_item(self.queue[0])
        if status == 422:
            await asyncio.sleep(3600)
        if not await self.repeats(status, answer, retry):
            self.queue.pop(0)


@wrong("WDR-010", "publishes every offer of its table each second, withdrawn ones too")
class PublishesAllAgain(Publisher):
    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.start(self.repeat())

    async def repeat(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for offer_id in list(self.revisions):
                self.revisions[offer_id] += 1
                await self.publish(self.document(offer_id, self.revisions[offer_id]))


@wrong("WDR-001", "publishes an offer again when the answer to its withdrawal is lost")
class RestoresWithdrawals(Publisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        path = f"/v1/offers/{offer_id}?revision={revision}&reason=filled"
        status, answer, retry = await self.send("DELETE", path)
        while await self.repeats(status, answer, retry):
            lost = status == 0
            status, answer, retry = await self.send("DELETE", path)
            if lost and status in {200, 201, 202}:
                await self.publish(self.document(offer_id, revision + 1))
