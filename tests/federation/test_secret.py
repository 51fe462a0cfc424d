"""The secret of a gateway is read once, when its federation is built."""

from contextlib import AsyncExitStack
from pathlib import Path

from gateway.bootstrap.log import open_log, with_signing_key
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.serving import build_api
from gateway.runtime.keys import secret_file
from gateway.settings import Settings
from tests.harness import URL


async def test_api_and_pages_seal_with_the_secret_that_the_federation_has(tmp_path: Path) -> None:
    """A file that is replaced meanwhile would seal links and cursors that the other half of the gateway refuses."""
    settings = with_signing_key(Settings(data=tmp_path))
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(open_log(settings))
        federation = await build_federation(settings, stack, log=log)
        secret_file(tmp_path).unlink()
        build_api(settings, federation, URL)
    assert not secret_file(tmp_path).exists()
