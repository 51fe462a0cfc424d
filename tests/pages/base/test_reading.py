"""Forms of visitors while they are received: bounded in number, the oldest gives way."""

import asyncio

from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from gateway.pages.base.reading import Forms
from gateway.pages.base.refusal import PageRefusedError


async def refused(forms: Forms, *, after: int = 0) -> str:
    """The code that refuses a form of which nothing arrives, begun after so many steps of the event loop."""
    for _ in range(after):
        await asyncio.sleep(0)
    connection = BaseProtocol(asyncio.get_running_loop())
    connection.connection_made(asyncio.Transport())
    request = make_mocked_request("POST", "/", payload=StreamReader(connection, 1024))
    try:
        await forms.receive(request)
    except PageRefusedError as error:
        return error.code
    return ""


async def test_a_form_whose_time_is_up_gives_way_like_any_other() -> None:
    """At whichever moment the next one comes: also between the end of its time and its own refusal."""
    for steps in range(5):
        forms = Forms(lambda _: "192.0.2.1", most=1, seconds=0.0)
        codes = await asyncio.gather(refused(forms), refused(forms, after=steps))
        assert set(codes) <= {"busy", "too-slow"}
        assert 0 == forms.being_received
