"""Requests made up from the OpenAPI document for the addresses that tests/api_write leaves out, on a whole gateway."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from gateway import clock
from gateway.bootstrap import open_log, running
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import SCOPES, Partner
from gateway.settings import Settings
from tests.api_write.test_contract import CHECKS, contract, document

_HERE = "oauth"
tokens = schemathesis.openapi.from_dict(document()).include(path_regex=_HERE)


class Whole(threading.Thread):
    """A gateway as ``passerelle serve`` runs it, with a thread and an event loop of its own: the client blocks."""

    def __init__(self, folder: Path) -> None:
        super().__init__(name="gateway")
        self._settings = Settings(data=folder, port=0, management_port=0, log_level="critical")
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self.url = ""

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with open_log(self._settings) as log:
            partners = Partners(log)
            kept = mint_secret(now=clock.now(), entropy=os.urandom).kept
            await partners.save(Partner(platform="bretagne", name="B", scopes=frozenset(SCOPES), secrets=(kept,)))
            await partners.close()
        async with running(self._settings) as gateway:
            self.url = gateway.url
            self._ready.set()
            await self._over.wait()

    def __enter__(self) -> "Whole":
        self.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(60)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Whole(tmp_path_factory.mktemp("gateway")) as whole:
        yield whole.url


@tokens.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_token_endpoints_keep_the_contract(case: schemathesis.Case[Any], url: str) -> None:
    """[ERR-001] [ERR-010]: no failure within, and no answer that the document does not promise."""
    response = case.call(base_url=url)
    if response.status_code == 400 and response.headers["content-type"] == ["text/plain; charset=utf-8"]:
        return  # not HTTP: refused before there is a request to answer
    case.validate_response(response, checks=list(CHECKS))


def test_every_operation_of_the_document_is_tried_here_or_there() -> None:
    """Whatever is added to the contract is tried without anybody thinking of it."""
    methods = {"get", "put", "post", "delete", "patch", "options"}
    promised = {(path, method) for path, part in document()["paths"].items() for method in methods & part.keys()}

    def tried(schema: Any) -> set[tuple[str, str]]:
        return {(found.ok().path, found.ok().method.lower()) for found in schema.get_all_operations()}

    assert promised == tried(contract) | tried(tokens)
    assert tried(contract).isdisjoint(tried(tokens))
    assert {path for path, _ in tried(tokens)} == {path for path, _ in promised if _HERE in path}
