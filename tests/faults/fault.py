"""The faults that apply to either log."""

import asyncio

from tests.faults.round import Fault, Round


async def _kill(round_: Round) -> None:
    """A kill at a random moment, and a restart."""
    replica = round_.random.choice([one for one in round_.deployment.replicas if one.running])
    await replica.kill()
    await asyncio.sleep(round_.random.uniform(0, 0.5))
    await replica.start()


async def _stop(round_: Round) -> None:
    """A clean restart, as for an upgrade."""
    replica = round_.random.choice([one for one in round_.deployment.replicas if one.running])
    code = await replica.stop()
    if code != 0:
        round_.find(f"asked to stop under load, it ended with {code}: {replica.last_words()}")
    await replica.start()


KILL = Fault("gateway killed", _kill)
STOP = Fault("gateway stopped in order", _stop)
