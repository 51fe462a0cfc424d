"""The examples of README and guides run unchanged, against a gateway of their own."""

import asyncio
import os
import re
from pathlib import Path

import aiohttp
import pytest

from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


GUIDES = ("README.md", "docs/publisher.md", "docs/subscriber.md", "docs/fr/emetteur.md", "docs/fr/abonne.md")


def commands(page: str) -> list[str]:
    """The calls of curl in the examples of a page, each whole; without those whose answer a variable takes."""
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if re.search(r"\bcurl -", line) and "=$(curl" not in line]


@pytest.mark.parametrize("page", GUIDES)
def test_an_example_shows_the_status_of_its_answer(page: str) -> None:
    assert commands(page)
    assert [] == [line for line in commands(page) if '-w "$STATUS"' not in line]


@pytest.mark.parametrize("page", GUIDES)
def test_an_example_that_reads_asks_for_all_of_france(page: str) -> None:
    """A reader's own territory is often empty at first."""
    reading = [
        line for line in commands(page) if re.search(r"/v1/(?:offers\?|changes|exports)", line) and "-X" not in line
    ]
    assert [] == [line for line in reading if "territory=all" not in line]


@pytest.mark.parametrize("page", ["README.md", "docs/publisher.md", "docs/subscriber.md"])
async def test_the_examples_of_a_page_run_unchanged(page: str, tmp_path: Path) -> None:
    """Each command must answer 2xx: its configuration file makes curl fail otherwise."""
    script = "\n".join(["set -euo pipefail", *BLOCK.findall((ROOT / page).read_text())])
    settings = Settings(data=tmp_path / "data", port=0, management_port=0)
    secret = mint_secret(now=clock.now(), entropy=os.urandom)
    async with open_log(settings) as log:
        partners = Partners(log)
        scopes = frozenset({"offers:publish", "offers:read"})
        await partners.save(Partner(platform="bretagne", name="Bretagne", scopes=scopes, secrets=(secret.kept,)))
        await partners.close()
    (tmp_path / ".curlrc").write_text("fail-with-body\n")
    async with running(settings) as gateway, aiohttp.ClientSession() as session:
        while (await session.get(f"{gateway.management_url}/readyz")).status != 200:  # views in a thread
            await asyncio.sleep(0.02)
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        environ |= {"URL": gateway.url, "CLIENT_ID": "bretagne", "CLIENT_SECRET": secret.text}
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            script,
            env=environ,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    assert len(output) > 100
