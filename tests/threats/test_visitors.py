"""[T-34] What visitors send to the pages is in no log, file, descriptor, command line or metric, at any time."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.faults.process import GatewayProcess
from tests.pages.check.offers import FEED, sound

pytestmark = pytest.mark.slow

CANARY = "canary-8d2e-wq"
HEAD = {"Content-Type": "multipart/form-data; boundary=edge", "Accept": "text/html"}
PARTS = (
    b'--edge\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="format"\r\n\r\n%s\r\n--edge--\r\n'
)


def body(content: bytes, *, name: str = "file", filename: str | None = "a.json", choice: str = "auto") -> bytes:
    """A form with one text or file."""
    named = b"" if filename is None else f'; filename="{filename}"'.encode()
    return PARTS % (name.encode(), named, content, choice.encode())


OFFERS = b"\n".join(sound(id=f"bretagne:{CANARY}-{n}", title=CANARY, levels=[CANARY]) for n in range(1_500))
FORMS = {
    "text": body(sound(id=f"bretagne:{CANARY}", title=CANARY, weeks=[CANARY]), name="text", filename=None),
    "file": body(sound(title=CANARY, zipcode=CANARY)),
    "file name": body(sound(), filename=f"{CANARY}.json"),
    "field name": body(sound(), name=CANARY),
    "key": body(sound(**{CANARY: 1})),
    "choice": body(sound(), choice=CANARY),
    "feed": body(FEED.replace(b"A-1", CANARY.encode()).replace(b"Commerce", CANARY.encode())),
    "broken feed": body(FEED[:200] + CANARY.encode()),
    "broken document": body(b'{"title": ' + CANARY.encode()),
    "no UTF-8": body(b'{"title": "\xe9' + CANARY.encode()),
    "binary": body(b"%PDF-1.4 " + CANARY.encode()),
    "many offers": body(OFFERS[:1_000_000]),
    "too large": body(CANARY.encode() * 100_000),
    "cut": body(sound(title=CANARY))[:-20],
    "no form": CANARY.encode(),
}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    (tmp_path / "tmp").mkdir()
    environment = {"PASSERELLE_LOG_LEVEL": "debug", "TMPDIR": str(tmp_path / "tmp")}
    gateway = GatewayProcess("gateway", tmp_path / "data", environment)
    await gateway.start()
    try:
        await gateway.ready()
        yield gateway
    finally:
        await gateway.kill()


def family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def hits(folder: Path, pid: int) -> list[str]:
    """Where the canary is: files below the folder, files open in a process, command lines, environments."""
    found: list[str] = []
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for process in family(pid):
        root = Path(f"/proc/{process}")
        paths += [root / "cmdline", root / "environ"]
        with suppress(OSError):
            paths += [one for one in (root / "fd").iterdir() if _is_file(one)]
    for path in paths:
        with suppress(OSError):
            if CANARY.encode() in path.read_bytes():
                found.append(str(path))
    return found


def _is_file(path: Path) -> bool:
    """Whether a descriptor is a regular file: a deleted one, or one in memory, is too."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def test_a_hit_is_found(tmp_path: Path) -> None:
    """The search itself can fail."""
    assert hits(tmp_path, os.getpid()) == []
    file = tmp_path / "deleted"
    with file.open("w+b") as opened:
        opened.write(CANARY.encode())
        opened.flush()
        file.unlink()
        assert len(hits(tmp_path, os.getpid())) == 1


async def send(session: aiohttp.ClientSession, gateway: GatewayProcess, data: bytes, seen: list[str]) -> int:
    """Send a form in two parts; look around between them, and again and again until the answer is there."""
    folder = gateway.folder.parent

    async def parts() -> AsyncIterator[bytes]:
        yield data[:-1]
        await asyncio.sleep(0.05)  # until the gateway has received it
        seen.extend(hits(folder, gateway.pid))
        yield data[-1:]

    async def answered() -> int:
        address = f"{gateway.url}/verifier?q={CANARY}"
        async with session.post(address, data=parts(), headers=HEAD | {"Referer": CANARY}) as response:
            await response.read()
            return response.status

    answer = asyncio.create_task(answered())
    while not answer.done():
        seen.extend(hits(folder, gateway.pid))
        await asyncio.sleep(0.05)
    return await answer


async def test_a_canary_of_a_visitor_is_nowhere(gateway: GatewayProcess) -> None:
    seen: list[str] = []
    async with aiohttp.ClientSession() as session:
        statuses = {name: await send(session, gateway, data, seen) for name, data in FORMS.items()}
        with suppress(aiohttp.ClientError):  # a body that ends before its length, and one that is no HTTP
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(f"POST /verifier HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n{CANARY}".encode())
            await writer.drain()
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(f"POST /verifier {CANARY}\r\n{CANARY}: \x00\r\n\r\n{CANARY}".encode())
            await writer.drain()
            await reader.read(1_000)
            writer.close()
        async with session.get(f"http://127.0.0.1:{gateway.management_port}/metrics") as response:
            metrics = await response.text()
    seen += hits(gateway.folder.parent, gateway.pid)
    log = (gateway.folder.parent / "gateway.log").read_text()
    noted = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    refused = {"too large": 413, "cut": 400, "no form": 400}
    assert statuses == {name: refused.get(name, 200) for name in FORMS}
    assert len([line for line in noted if line["event"] == "pages.checked"]) == len(FORMS) - len(refused)
    assert 'route="/verifier"' in metrics
    assert CANARY not in metrics
    assert seen == []
