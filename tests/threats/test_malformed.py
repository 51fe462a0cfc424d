"""[T-29] [SEC-003] [ERR-011] Malformed HTTP leaves one log line without its content, and gets a problem document."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.faults.process import GatewayProcess
from tests.raw_http import RawAnswer, exchange
from tests.threats.malformed import KINDS, Malformed, malformed

pytestmark = pytest.mark.slow

COUNT, SEED = 1_000, 20_261_127
AT_ONCE = 8
REFUSALS = {400, 404, 405, 414, 417, 431, 505}
PURE = "AIOHTTP_NO_EXTENSIONS"


@pytest.fixture(params=["c", "python"])
async def serving(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    """``passerelle serve`` at level debug, asyncio's debugging on, with either parser of aiohttp."""
    settings = {"PASSERELLE_LOG_LEVEL": "debug", "PYTHONASYNCIODEBUG": "1"}
    settings |= {PURE: "1"} if request.param == "python" else {}
    gateway = GatewayProcess("gateway", tmp_path / "data", settings, interpreter=True)
    await gateway.start()
    try:
        await gateway.ready()
        yield gateway
    finally:
        await gateway.kill()


@pytest.mark.timeout(300)
async def test_a_thousand_malformed_requests_leave_no_secret(serving: GatewayProcess, tmp_path: Path) -> None:
    """On both ports: no secret in log or answers, one JSON line an answer, and every answer a problem document."""
    log = tmp_path / "gateway.log"
    began = log.read_text().count("\n")
    requests = list(malformed(COUNT, seed=SEED))
    ports = [serving.port, serving.management_port]
    answers = [await _all(port, requests) for port in ports]
    assert 0 == await serving.stop()
    text = log.read_text()
    assert [] == [one.kind for one in requests if one.secret in text]
    assert [] == [
        one.kind for pairs in answers for one, raw in pairs if any(one.secret.encode() in a.body for a in raw)
    ]
    assert [] == [one.kind for pairs in answers for one, raw in pairs if any(one.secret in str(a.headers) for a in raw)]
    unanswered = Counter(one.kind for pairs in answers for one, raw in pairs if not raw)
    assert Counter() == unanswered
    statuses = Counter(_checked(one, answer) for pairs in answers for one, raw in pairs for answer in raw)
    assert statuses.keys() <= REFUSALS, statuses
    lines = _lines(text.splitlines()[began:])
    events = Counter(line["event"] for line in lines)
    known = {"http.refused", "api.request", "gateway.stopped"}
    others = [line for line in lines if line["event"] not in known and not _is_slowness(line)]
    assert statuses.total() == events["http.refused"] + events["api.request"], (events, statuses)
    assert [] == others


def test_every_kind_is_among_them() -> None:
    assert len(KINDS) == len({one.kind for one in malformed(COUNT, seed=SEED)})


async def _all(port: int, requests: Iterable[Malformed]) -> list[tuple[Malformed, list[RawAnswer]]]:
    free = asyncio.Semaphore(AT_ONCE)

    async def ask(one: Malformed) -> tuple[Malformed, list[RawAnswer]]:
        async with free:
            return one, await exchange(port, one.data)

    return await asyncio.gather(*map(ask, requests))


def _checked(one: Malformed, answer: RawAnswer) -> int:
    """The status of an answer that is a problem document, or that belongs to HEAD and has no body."""
    assert "HTTP/1.1" == answer.version
    if not one.data.startswith(b"HEAD "):
        assert answer.document["detail"]
    return answer.status


def _is_slowness(line: dict[str, Any]) -> bool:
    """Whether asyncio's debugging reports a callback that took long, as on a busy machine; without its text."""
    output = (line["event"], line.get("logger"), line["level"], line.get("where", "").partition(":")[0])
    return output == ("library.logged", "asyncio", "warning", "runners") and line["message"] is line["error"] is None


def _lines(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Every line of the log as the JSON object that it must be."""
    return [orjson.loads(line) for line in lines]
