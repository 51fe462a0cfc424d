"""The roles that host a partner: each opened with its server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from conformance import clock
from conformance.model.case import RoleName
from conformance.role.host import hosting
from conformance.role.publisher import PublisherRole
from conformance.role.subscriber import SubscriberRole
from conformance.target.setup import Setup

_ROLES: Mapping[RoleName, type[PublisherRole | SubscriberRole]] = {
    "publisher": PublisherRole,
    "subscriber": SubscriberRole,
}


@asynccontextmanager
async def hosted_partner(
    setup: Setup, session: aiohttp.ClientSession, *, seed: str
) -> AsyncIterator[PublisherRole | SubscriberRole]:
    """The role of the set-up with its server, open for the block. Raises SetupError."""
    role = _ROLES[setup.role](setup, session, seed=seed, day=clock.today)
    async with hosting(role.host, role.answer, setup.listen):
        yield role
