"""Commands that end credentials, on a gateway that runs: tokens issued before them are refused (SEC-001).

Answers stored before them are not repeated either (PUB-041).
"""

import json

import aiohttp

from demo.client import Client
from tests.cli.conftest import RunningGateway, Shell


async def secret_of(shell: Shell, *words: str) -> str:
    ended = await shell("partner", *words, "--json", PASSERELLE_DATA="data")
    assert 0 == ended.code, ended.errors
    return str(json.loads(ended.output)["client_secret"])


async def token_of(running_gateway: RunningGateway, session: aiohttp.ClientSession, secret: str) -> str:
    return await Client(session, running_gateway.gateway.url, client_id="bretagne", client_secret=secret).token()


async def status(running_gateway: RunningGateway, session: aiohttp.ClientSession, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{running_gateway.gateway.url}/v1/offers", headers=headers) as response:
        return response.status


async def marked(running_gateway: RunningGateway, session: aiohttp.ClientSession, token: str) -> tuple[int, bool, str]:
    """A request with an idempotency key: its status, whether its answer was replayed, and the answer."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-mark"}
    async with session.post(f"{running_gateway.gateway.url}/v1/snapshots/marks", headers=headers) as response:
        return response.status, "Idempotency-Replayed" in response.headers, await response.text()


async def test_a_token_opens_nothing_after_revoke_and_add(running_gateway: RunningGateway) -> None:
    async with aiohttp.ClientSession() as session:
        token = await token_of(running_gateway, session, running_gateway.shell.environ["PASSERELLE_CLIENT_SECRET"])
        first, again = [await marked(running_gateway, session, token) for _ in range(2)]
        assert (200, False, True, first[2]) == (await status(running_gateway, session, token), first[1], *again[1:])
        assert 0 == (await running_gateway.shell("partner", "revoke", "bretagne", PASSERELLE_DATA="data")).code
        secret = await secret_of(running_gateway.shell, "add", "bretagne")
        fresh = await token_of(running_gateway, session, secret)
        assert (200, 401) == (
            await status(running_gateway, session, fresh),
            await status(running_gateway, session, token),
        )
        code, replayed, answer = await marked(running_gateway, session, fresh)
        assert (first[0], False) == (code, replayed)
        assert answer != first[2]


async def test_a_rotation_keeps_the_tokens_unless_it_ends_the_secret_at_once(running_gateway: RunningGateway) -> None:
    async with aiohttp.ClientSession() as session:
        token = await token_of(running_gateway, session, running_gateway.shell.environ["PASSERELLE_CLIENT_SECRET"])
        second = await secret_of(running_gateway.shell, "rotate", "bretagne")
        assert 200 == await status(running_gateway, session, token)
        newer = await token_of(running_gateway, session, second)
        third = await secret_of(running_gateway.shell, "rotate", "bretagne", "--overlap", "0")
        last = await token_of(running_gateway, session, third)
        assert (200, 401, 401) == tuple([await status(running_gateway, session, one) for one in (last, newer, token)])
