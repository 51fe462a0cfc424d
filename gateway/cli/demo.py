"""``passerelle demo``: a small federation at work, to be watched."""

import asyncio
import signal
from collections.abc import Coroutine
from datetime import date
from random import Random
from typing import Annotated, Any

import typer
from rich.live import Live

from gateway.cli.console import FAILED, OUT, CommandError
from gateway.cli.operating import explained
from gateway.clock import now
from gateway.demo.display import LiveView, plain_line, tell_end
from gateway.demo.federation import VISITOR, Federation, federation
from gateway.demo.scenario import Scenario
from gateway.kafka.broker import BrokerError
from gateway.loop import run
from gateway.protocol.decide import paris_date

_PLAIN_SECONDS = 1.0
_FRAME_SECONDS = 0.15
_INTERRUPTED = 130


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when everything has settled.")] = False,
    kafka: Annotated[bool, typer.Option("--kafka", help="On a real Apache Kafka, started for the occasion.")] = False,
    offers: Annotated[int, typer.Option(min=90, max=200_000, help="How many offers are published.")] = 3_000,
    seed: Annotated[int, typer.Option(help="Another number, other offers.")] = 2027,
) -> None:
    """Start a gateway, let nine platforms publish and three subscribers read, and reconcile what they hold.

    Everything is temporary and stays on this machine. Ends with 0 when all reconciles to zero, else with 1.
    """
    try:
        reconciled = run(_demo(once=once, kafka=kafka, offers=offers, seed=seed))
    except BrokerError as error:
        raise CommandError(str(error), step="install Java 17 and Maven, or run the demo without Kafka") from error
    if not reconciled:
        raise typer.Exit(FAILED)


async def _demo(*, once: bool, kafka: bool, offers: int, seed: int) -> bool:
    if kafka:
        OUT.print("Starting Apache Kafka (the first time, its jars are fetched) and the gateway …")
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    with explained():
        async with federation(kafka=kafka) as world:
            scenario = Scenario(world, date.fromisoformat(paris_date(now())), seed)
            async with scenario.following():
                await _watch(world, scenario, scenario.play(offers), told)
                tell_end(OUT, scenario)
                if not once:
                    await _invite(world)
                    await _watch(world, scenario, scenario.go_on(Random(seed), told), asyncio.Event())  # noqa: S311
                    await scenario.settle()
                    tell_end(OUT, scenario)
            return scenario.reconciled


async def _watch(world: Federation, scenario: Scenario, story: Coroutine[Any, Any, None], told: asyncio.Event) -> None:
    """Show the scenario until its story is told, the gateway fails, or the user ends it."""
    playing = asyncio.ensure_future(story)
    ends = [playing, asyncio.ensure_future(world.gateway.finished()), asyncio.ensure_future(told.wait())]
    showing = asyncio.ensure_future(_show(world, scenario) if OUT.is_terminal else _print(scenario))
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in (*ends, showing):
        task.cancel()
    await asyncio.gather(*ends, showing, return_exceptions=True)
    for task in done:
        await task
    if playing not in done:
        OUT.print("Interrupted.")
        raise typer.Exit(_INTERRUPTED)


async def _show(world: Federation, scenario: Scenario) -> None:
    """Draw on the terminal, from this loop: a thread of rich's own would read tables while they change."""
    view = LiveView(scenario, world.gateway.url)
    with Live(view, console=OUT, auto_refresh=False, transient=True) as live:
        while True:
            live.refresh()
            await asyncio.sleep(_FRAME_SECONDS)


async def _print(scenario: Scenario) -> None:
    """A line now and then, where there is no terminal."""
    while True:
        await asyncio.sleep(_PLAIN_SECONDS)
        OUT.print(plain_line(scenario), soft_wrap=True)


async def _invite(world: Federation) -> None:
    """Calls to paste into another terminal, as the partner `visitor`."""
    token = await world.clients[VISITOR].token()
    url = world.gateway.url
    header = '-H "Authorization: Bearer $TOKEN"'
    wrong = """{"id":"visitor:1","revision":1,"titel":"Essai","weeks":["2027-W9"]}"""
    OUT.print(f"\n[bold]The gateway goes on at {url}.[/] Paste these into another terminal:\n")
    typer.echo(f"TOKEN={token}")
    OUT.print("\n[dim]# what subscribers get[/]")
    typer.echo(f"curl -s {header} '{url}/v1/changes?limit=1'")
    OUT.print("\n[dim]# what a publisher is told about a wrong offer[/]")
    typer.echo(f"curl -s -X PUT {header} -d '{wrong}' -H 'Content-Type: application/json' '{url}/v1/offers/visitor:1'")
    OUT.print("\nCtrl-C ends the demo.\n")
