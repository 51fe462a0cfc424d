"""``passerelle demo``: the whole federation at work, to be watched."""

import asyncio
import signal
from collections.abc import Coroutine
from random import Random
from typing import Annotated, Any

import typer
from rich.live import Live

from gateway.cli.console import FAILED, OUT, CommandError
from gateway.cli.operating import explained
from gateway.client import ClientError
from gateway.demo.broker import BrokerError
from gateway.demo.cluster import VARIABLE, ClusterError, lent_cluster
from gateway.demo.display import LiveView, Story, plain_line, tell_end
from gateway.demo.federation import SPEED, Federation, federation
from gateway.demo.jars import JarsError
from gateway.demo.looking import rest
from gateway.demo.process import GatewayError
from gateway.demo.scenario import Scenario
from gateway.demo.subscriber import SubscriberError
from gateway.demo.visit import invitation
from gateway.demo.way import WayError
from gateway.runtime.loop import run

_PLAIN_SECONDS = 2.5
_FRAME_SECONDS = 0.25
_INTERRUPTED = 130
_BROKEN = (WayError, SubscriberError, GatewayError, ClientError, TimeoutError)
"""What may end the story before its end: something that was promised was not kept."""


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when everything has settled.")] = False,
    kafka: Annotated[
        bool,
        typer.Option("--kafka", help=f"On a real Apache Kafka: the cluster in {VARIABLE}, else one made for the demo."),
    ] = False,
    offers: Annotated[int, typer.Option(min=90, max=200_000, help="How many offers are published.")] = 900,
    seed: Annotated[int, typer.Option(help="Another number, other offers.")] = 2027,
) -> None:
    """Run the whole federation: nine Regions, each by its own way in, and the national site, both ways.

    Everything is temporary, topics on a cluster as well, and ends with the demo.

    Ends with 0 when all far ends hold what they must, else with 1.
    """
    try:
        balanced = run(_demo(once=once, kafka=kafka, offers=offers, seed=seed))
    except (BrokerError, JarsError) as error:
        raise CommandError(str(error), step="install Java 17 and Maven, or run the demo without Kafka") from error
    except ClusterError as error:
        raise CommandError(str(error), step=error.step) from error
    if not balanced:
        raise typer.Exit(FAILED)


async def _demo(*, once: bool, kafka: bool, offers: int, seed: int) -> bool:
    OUT.print("[bold]Passerelle[/]  nine Regions and the national site, joined by one gateway, on this machine")
    OUT.print(f"[dim]The simulated site's clock runs {SPEED:.0f} times as fast: it takes 100 calls a minute.[/]\n")
    lent = lent_cluster() if kafka else None
    if kafka and lent is None:
        OUT.print("Starting Apache Kafka (the first time, its jars are fetched) …")
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    with explained():
        async with federation(kafka=kafka) as world:
            if lent is not None:
                topics = f"{world.settings.kafka_prefix}.*"
                OUT.print(f"On the Kafka cluster {lent} ({VARIABLE}); its topics {topics} are deleted at the end.\n")
            scenario = Scenario(world, seed, offers, Story(OUT))
            await _watch(scenario, scenario.prepare(), told)
            async with world.following():
                if not scenario.surprises:
                    await _watch(scenario, scenario.play(), told)
                balanced = tell_end(OUT, scenario)
                if not once and balanced:
                    await _stay(world, scenario, Random(seed), told)  # noqa: S311 - not for secrets
                    balanced = tell_end(OUT, scenario)
            return balanced


async def _stay(world: Federation, scenario: Scenario, random: Random, told: asyncio.Event) -> None:
    """Go on until the user has seen enough, and let everything settle once more."""
    OUT.print(invitation(world), soft_wrap=True)
    await _watch(scenario, scenario.go_on(random, told), asyncio.Event())
    await scenario.settle()


async def _watch(scenario: Scenario, story: Coroutine[Any, Any, None], told: asyncio.Event) -> None:
    """Show the scenario until its story is told, the gateway ends by itself, or the user ends it."""
    playing = asyncio.ensure_future(story)
    ends = [
        playing,
        asyncio.ensure_future(scenario.federation.gateway.finished()),
        asyncio.ensure_future(told.wait()),
    ]
    showing = asyncio.ensure_future(_show(scenario) if OUT.is_terminal else _print(scenario))
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in (*ends, showing):
        task.cancel()
    await asyncio.gather(*ends, showing, return_exceptions=True)
    for task in done:
        error = task.exception()
        if error is not None:
            scenario.surprises.append(_broken(error))
    if not scenario.surprises and playing not in done:
        OUT.print("Interrupted.")
        raise typer.Exit(_INTERRUPTED)


def _broken(error: BaseException) -> str:
    """What ended the story; raises what is a fault of the demo itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, _BROKEN):
        raise error
    return str(error) or "something did not happen in time"


async def _show(scenario: Scenario) -> None:
    """Draw on the terminal, from this loop: a thread of rich's own would read tables while they change."""
    with Live(LiveView(scenario), console=OUT, auto_refresh=False, transient=True) as live:
        while True:
            began = asyncio.get_running_loop().time()
            live.refresh()
            await rest(_FRAME_SECONDS, since=began)


async def _print(scenario: Scenario) -> None:
    """A line now and then, where there is no terminal."""
    said = ""
    while True:
        await asyncio.sleep(_PLAIN_SECONDS)
        line = plain_line(scenario)
        if line != said:
            OUT.print(line, soft_wrap=True, style="dim")
        said = line
