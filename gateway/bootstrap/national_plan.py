"""The calls that are due to the national site, computed in a process of its own, which reads the log (``rehearse``)."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

import orjson
import structlog

from adapters.national.maintenance.rehearsal import rehearse
from adapters.national.site.accounts import read_accounts
from gateway.bootstrap.log import open_log
from gateway.federation.national import PlanError
from gateway.protocol.delivery import AccountPlan
from gateway.runtime.cached import Cached
from gateway.runtime.logs import configure_logs
from gateway.runtime.loop import run
from gateway.settings import Settings

_NICENESS = 10
_MAX_SECONDS = 600.0
_KEPT_MS = 60_000
_WAIT_SECONDS = 5.0

_log = structlog.get_logger()


class NationalPlans:
    """The plan of a gateway with these settings, computed again after a minute, once at a time."""

    def __init__(self, settings: Settings) -> None:
        self._environ = settings.to_environ()
        self._plans = Cached(self._compute, milliseconds=_KEPT_MS)

    async def get(self) -> Sequence[AccountPlan] | None:
        """The plan of each account; None while it is still computed. Raises PlanError."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                return await self._plans.get()
        except TimeoutError:
            return None

    async def _compute(self) -> Sequence[AccountPlan]:
        """Ask a child for the plan; a child that takes too long is ended."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(_MAX_SECONDS):
                written, _ = await child.communicate(orjson.dumps(self._environ))
        except TimeoutError as error:
            _log.warning("national.plan_failed", seconds=_MAX_SECONDS)
            raise PlanError from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            _log.warning("national.plan_failed", code=child.returncode)
            raise PlanError
        return [AccountPlan(**one) for one in orjson.loads(written)]


async def plan(environ: Mapping[str, str]) -> Sequence[AccountPlan]:
    """The plan of each account by these settings, from the log that they name. Raises LogError, AccountsError."""
    settings = Settings.from_env(environ)
    configure_logs(settings.log_level)
    if settings.national is None:
        return []
    accounts = read_accounts(settings.national, os.environ)
    async with open_log(settings, make=False) as log:
        return await rehearse(log, accounts)


def main() -> None:
    """Read the settings from standard input, write the plan to standard output."""
    os.nice(_NICENESS)
    environ = orjson.loads(sys.stdin.buffer.read())
    written = orjson.dumps(run(plan(environ)))
    sys.stdout.buffer.write(written)


if __name__ == "__main__":
    main()
