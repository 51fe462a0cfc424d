"""An SFTP server in a process of its own: says its port, its host key and the client's key, each on a line, then
``reading`` when a file is read for the first time.
"""

import asyncio
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from demo.region_site.simulator import serving_sftp
from tests.transport.hostile_sftp import files_of


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Announcing:
    announced = False


def announce(*_: Any) -> None:
    if not _Announcing.announced:
        _Announcing.announced = True
        say("reading")


async def main(folder: Path) -> None:
    async with serving_sftp(folder, files=files_of(folder, read=announce)) as address:
        for line in (str(address.port), address.host_key, b64encode(address.key.encode()).decode()):
            say(line)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
