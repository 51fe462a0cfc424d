"""Commands that end credentials, on a gateway that runs: what was issued before them opens nothing any more (SEC-001).

No answer kept before them is given again either (PUB-041).
"""

import json

import aiohttp

from gateway.client import Client
from tests.cli.conftest import House, Shell


async def secret_of(shell: Shell, *words: str) -> str:
    ended = await shell("partner", *words, "--json", PASSERELLE_DATA="data")
    assert 0 == ended.code, ended.errors
    return str(json.loads(ended.output)["client_secret"])


async def token_of(house: House, session: aiohttp.ClientSession, secret: str) -> str:
    return await Client(session, house.gateway.url, client_id="bretagne", client_secret=secret).token()


async def status(house: House, session: aiohttp.ClientSession, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{house.gateway.url}/v1/offers", headers=headers) as response:
        return response.status


async def marked(house: House, session: aiohttp.ClientSession, token: str) -> tuple[int, bool, str]:
    """A request with an idempotency key: its status, whether its answer was replayed, and the answer."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-mark"}
    async with session.post(f"{house.gateway.url}/v1/snapshots/marks", headers=headers) as response:
        return response.status, "Idempotency-Replayed" in response.headers, await response.text()


async def test_a_token_opens_nothing_after_revoke_and_add(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        token = await token_of(house, session, house.shell.environ["PASSERELLE_CLIENT_SECRET"])
        first, again = [await marked(house, session, token) for _ in range(2)]
        assert (200, False, True, first[2]) == (await status(house, session, token), first[1], *again[1:])
        assert 0 == (await house.shell("partner", "revoke", "bretagne", PASSERELLE_DATA="data")).code
        secret = await secret_of(house.shell, "add", "bretagne")
        fresh = await token_of(house, session, secret)
        assert (200, 401) == (await status(house, session, fresh), await status(house, session, token))
        code, replayed, answer = await marked(house, session, fresh)
        assert (first[0], False) == (code, replayed)
        assert answer != first[2]


async def test_a_rotation_keeps_the_tokens_unless_it_ends_the_secret_at_once(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        token = await token_of(house, session, house.shell.environ["PASSERELLE_CLIENT_SECRET"])
        second = await secret_of(house.shell, "rotate", "bretagne")
        assert 200 == await status(house, session, token)
        newer = await token_of(house, session, second)
        third = await secret_of(house.shell, "rotate", "bretagne", "--overlap", "0")
        last = await token_of(house, session, third)
        assert (200, 401, 401) == tuple([await status(house, session, one) for one in (last, newer, token)])
