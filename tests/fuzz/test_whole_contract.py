"""Requests generated from the OpenAPI document for the routes that tests/api/write leaves out, on a whole gateway."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import SCOPES, Partner
from gateway.settings import Settings
from tests.api.write.test_contract import contract, document, keeps_the_contract, operations, send_all
from tests.server_thread import served_in_thread

pytestmark = pytest.mark.slow

_HERE = "oauth"
tokens = schemathesis.openapi.from_dict(document()).include(path_regex=_HERE)


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[str]:
    """A gateway as ``passerelle serve`` runs it, with one partner."""
    settings = Settings(data=folder, port=0, management_port=0, log_level="critical")
    async with open_log(settings) as log:
        partners = Partners(log)
        kept = mint_secret(now=clock.now(), entropy=os.urandom).kept
        await partners.save(Partner(platform="bretagne", name="B", scopes=frozenset(SCOPES), secrets=(kept,)))
        await partners.close()
    async with running(settings) as gateway:
        yield gateway.url


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_in_thread(lambda: whole(tmp_path_factory.mktemp("gateway"))) as url:
        yield url


@pytest.mark.timeout(600)
@pytest.mark.parametrize("label", operations(tokens))
def test_the_token_endpoints_keep_the_contract(label: str, url: str) -> None:
    """[ERR-001] [ERR-010]: no internal failure, and no answer outside of the document."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def send(case: schemathesis.Case[Any]) -> None:
        keeps_the_contract(case, base_url=url)

    send_all(tokens, label, send)


def test_every_operation_of_the_document_is_tested_here_or_in_the_api_tests() -> None:
    """Additions to the contract are tested automatically."""
    methods = {"get", "put", "post", "delete", "patch", "options"}
    promised = {(path, method) for path, part in document()["paths"].items() for method in methods & part.keys()}

    def tried(schema: Any) -> set[tuple[str, str]]:
        return {(found.ok().path, found.ok().method.lower()) for found in schema.get_all_operations()}

    assert promised == tried(contract) | tried(tokens)
    assert tried(contract).isdisjoint(tried(tokens))
    assert {path for path, _ in tried(tokens)} == {path for path, _ in promised if _HERE in path}
