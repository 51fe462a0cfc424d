"""The plain proxy, a stand-in for a REST proxy of Kafka: ``python -m bench.plain_proxy SERVERS TOPIC``.

aiohttp → aiokafka without validation: parses the lines of a body as JSON, awaits one ``send`` per record and then all
acknowledgements (acks=all). It prints its URL once it listens, and runs until killed. ``started`` runs it as a process
of its own.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web
from aiokafka import AIOKafkaProducer

from demo.tether import tether, tethered

PATH = "/records"
_BODY_BYTES = 64 << 20


def build(servers: str, topic: str) -> web.Application:
    """The application."""
    producers: list[AIOKafkaProducer] = []

    async def produce(request: web.Request) -> web.Response:
        waiting = []
        for line in (await request.read()).splitlines():
            offer = orjson.loads(line)
            waiting.append(await producers[0].send(topic, orjson.dumps(offer), key=str(offer["id"]).encode()))
        stored = await asyncio.gather(*waiting)
        offsets = [{"partition": one.partition, "offset": one.offset} for one in stored]
        return web.Response(body=orjson.dumps({"offsets": offsets}), content_type="application/json", status=202)

    async def producing(_: web.Application) -> AsyncIterator[None]:
        producers.append(AIOKafkaProducer(bootstrap_servers=servers, acks="all"))
        await producers[0].start()
        yield
        await producers[0].stop()

    app = web.Application(client_max_size=_BODY_BYTES)
    app.cleanup_ctx.append(producing)
    app.router.add_post(PATH, produce)
    return app


@asynccontextmanager
async def started(servers: str, topic: str) -> AsyncIterator[str]:
    """The URL of a running proxy."""
    process = await asyncio.create_subprocess_exec(
        *tethered((sys.executable, "-m", "bench.plain_proxy", servers, topic)),
        stdout=asyncio.subprocess.PIPE,
        pass_fds=tether(),
    )
    try:
        if process.stdout is None or not (line := await process.stdout.readline()):
            raise RuntimeError("the plain proxy did not start")
        yield line.decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _serve(servers: str, topic: str) -> None:
    runner = web.AppRunner(build(servers, topic), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
