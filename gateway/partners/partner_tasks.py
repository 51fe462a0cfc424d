"""One task per wanted partner, started and stopped as partners are added and revoked."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.errors import TopicError
from gateway.log.assignment import run_until_error
from gateway.partners import Partners
from gateway.protocol.partner import Partner
from gateway.runtime.loop import stop

_PARTNERS_SECONDS = 2.0

_log = structlog.get_logger()


async def run_per_partner(
    partners: Partners, *, wanted: Callable[[Partner], bool], work: Callable[[str], Awaitable[None]]
) -> None:
    """Run ``work(platform)`` for each wanted partner, as partners are added and revoked, until cancelled. Raises the
    error that ended a task, except TopicError.
    """
    tasks: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            present = {partner.platform for partner in partners.all() if wanted(partner) and not partner.revoked}
            await stop([tasks.pop(platform) for platform in set(tasks) - present])
            tasks.update(
                (platform, asyncio.create_task(run_until_error(work, platform))) for platform in present - set(tasks)
            )
            if tasks:
                done, _ = await asyncio.wait(
                    tasks.values(), timeout=_PARTNERS_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                for platform in [platform for platform, task in tasks.items() if task in done]:
                    _settle_partner(platform, tasks.pop(platform))
            if len(tasks) < len(present) or not tasks:
                await asyncio.sleep(_PARTNERS_SECONDS)
    finally:
        await stop([*tasks.values()])


def _settle_partner(platform: str, task: asyncio.Task[None]) -> None:
    """Log the TopicError of one partner, which is retried and does not stop the others; raise any other error."""
    error = task.exception()
    if isinstance(error, TopicError):
        _log.error("share.topic_unusable", platform=platform, error=str(error))
    elif error is not None:
        raise error
