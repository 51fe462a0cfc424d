"""Fixtures of the OAuth tests."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.memory import MemoryLog
from gateway.partners import Partners
from gateway.protocol.topic import COMMON
from tests.oauth.ground import BRETAGNE, OCCITANIE, Ground


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    """Bretagne has a secret, Occitanie a key."""
    log = MemoryLog()
    await log.create_topics(COMMON)
    partners = Partners(log)
    await partners.save(BRETAGNE)
    await partners.save(OCCITANIE)
    yield Ground(log, partners)
    await partners.close()
    await log.close()


@pytest.fixture
async def client(ground: Ground) -> AsyncIterator[TestClient[Any, Any]]:
    """Real HTTP to the OAuth endpoints."""
    async with TestClient(TestServer(ground.app())) as client:
        yield client
