"""[T-29] [SEC-003] Log messages of libraries and event loops become JSON lines without content of requests."""

import orjson
import pytest

from tests.threats.test_logs import run

pytestmark = pytest.mark.slow

_LIBRARIES = """
import logging
from gateway.runtime.logs import configure_logs
configure_logs("debug")
for name in ("aiohttp.server", "aiohttp.access", "asyncio", "another", "aiokafka"):
    logging.getLogger(name).setLevel(logging.DEBUG)
    for level in (logging.DEBUG, logging.WARNING, logging.ERROR):
        logging.getLogger(name).log(level, "text of %s: %s", name, "a-secret")
    try:
        raise ValueError("a-secret")
    except ValueError:
        logging.getLogger(name).exception("failed %s", "a-secret")
"""
_LOOP = """
import asyncio
from gateway.runtime.logs import configure_logs, watch_loop
configure_logs("debug")
async def main():
    watch_loop()
    loop = asyncio.get_running_loop()
    def fail(secret):
        raise ValueError(secret)
    for _ in range(1_000):
        loop.call_soon(fail, "a-secret")
        loop.call_exception_handler({"message": "a-secret", "exception": OSError(24, "a-secret")})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
"""


async def test_log_texts_of_libraries_are_dropped_except_the_kafka_clients() -> None:
    code, text = await run("-c", _LIBRARIES, environment={})
    lines = [orjson.loads(line) for line in text.splitlines()]
    assert (0, {"library.logged"}) == (code, {line["event"] for line in lines})
    assert {"aiokafka"} == {line["logger"] for line in lines if "a-secret" in str(line)}
    assert {"aiohttp.server", "aiohttp.access", "asyncio", "another", "aiokafka"} == {line["logger"] for line in lines}
    assert {"ValueError", None} == {line["error"] for line in lines}


async def test_a_loop_that_fails_again_and_again_is_logged_once_without_the_text() -> None:
    code, text = await run("-c", _LOOP, environment={"PYTHONASYNCIODEBUG": "1"})
    lines = [orjson.loads(line) for line in text.splitlines()]
    failures = [(line["error"], line["errno"]) for line in lines if line["event"] == "loop.failed"]
    assert (0, [("OSError", 24), ("ValueError", None)]) == (code, sorted(failures))
    assert "a-secret" not in text
