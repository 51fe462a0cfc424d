"""``python -m demo``: run a complete simulated federation on this machine, and display it."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from random import Random
from shlex import quote
from typing import Annotated, Any

import typer
from rich.live import Live

from demo.broker import BrokerError
from demo.channel import ChannelError
from demo.client import ClientError
from demo.cluster import VARIABLE, ClusterError, lent_cluster
from demo.display import LiveView, ProgressLines, plain_line, print_end
from demo.doorway import MAILS
from demo.federation import (
    LATER_SPEED,
    OPERATOR_PAGES,
    PLATFORM_PAGES,
    SPEED,
    DemoFederation,
    open_federation,
)
from demo.jars import JarsError
from demo.process import GatewayError
from demo.scenario import LATER_STALL_SECONDS, DemoScenario
from demo.step import pause_between_polls
from demo.subscriber import VISITOR, SubscriberError
from gateway.cli.console import FAILED, OUT, CommandError
from gateway.cli.operator_context import command_errors
from gateway.runtime.loop import run

_PLAIN_SECONDS = 2.5
_FRAME_SECONDS = 0.25
_INTERRUPTED = 130
_BROKEN = (ChannelError, SubscriberError, GatewayError, ClientError, TimeoutError)
"""Errors that end the scenario early and count as its failure."""
_ASK = (
    'TOKEN=$(curl -s "$PASSERELLE_URL/oauth/token" -u "$PASSERELLE_CLIENT_ID:$PASSERELLE_CLIENT_SECRET" '
    """-d grant_type=client_credentials | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')"""
)
_HEADER = '-H "Authorization: Bearer $TOKEN"'
_JSON = "-H 'Content-Type: application/json'"
_WRONG = """{"id":"visitor:1","revision":1,"titel":"Essai","weeks":["2027-W9"]}"""


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
    """Run the whole federation: nine Regions, each with its own transport, and the national site in both directions.

    Everything is temporary, topics on a cluster as well, and is removed when the demo ends.

    Ends with 0 when all platforms and the national site hold the expected offers, else with 1.
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
    lent = lent_cluster() if kafka else None
    if kafka and lent is None:
        OUT.print("Starting Apache Kafka (the first time, its jars are fetched) …")
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with command_errors():
        async with open_federation(kafka=kafka, seed=seed) as federation:
            OUT.print(opening(federation.gateway.url, {} if once else federation.doorways), soft_wrap=True)
            if lent is not None:
                topics = f"{federation.settings.kafka_prefix}.*"
                OUT.print(f"On the Kafka cluster {lent} ({VARIABLE}); its topics {topics} are deleted at the end.\n")
            scenario = DemoScenario(federation, offers, ProgressLines(OUT))
            await _watch(scenario, scenario.prepare(), stopping)
            async with federation.following():
                if not scenario.surprises:
                    await _watch(scenario, scenario.play(), stopping)
                balanced = print_end(OUT, scenario)
                if not once and balanced:
                    await _stay(federation, scenario, Random(seed), stopping)  # noqa: S311 - not for secrets
                    balanced = print_end(OUT, scenario)
            return balanced


async def _stay(federation: DemoFederation, scenario: DemoScenario, random: Random, stopping: asyncio.Event) -> None:
    """Continue until the user interrupts, then wait until everything has settled."""
    OUT.print(hints(federation), soft_wrap=True)
    await _watch(scenario, scenario.continuous_traffic(random, stopping), asyncio.Event())
    await scenario.settle(patience=LATER_STALL_SECONDS)


async def _watch(scenario: DemoScenario, story: Coroutine[Any, Any, None], stopping: asyncio.Event) -> None:
    """Display the scenario until it completes, the gateway ends by itself, or the user interrupts."""
    playing = asyncio.ensure_future(story)
    ends = [
        playing,
        asyncio.ensure_future(scenario.federation.gateway.finished()),
        asyncio.ensure_future(stopping.wait()),
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
    """The message of an error in ``_BROKEN``; any other error is a bug of the demo and is raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, _BROKEN):
        raise error
    return str(error) or "something did not happen in time"


async def _show(scenario: DemoScenario) -> None:
    """Refresh the terminal from this loop: rich's own thread would read tables while they change."""
    with Live(LiveView(scenario), console=OUT, auto_refresh=False, transient=True) as live:
        while True:
            began = asyncio.get_running_loop().time()
            live.refresh()
            await pause_between_polls(_FRAME_SECONDS, since=began)


async def _print(scenario: DemoScenario) -> None:
    """Print a line periodically if there is no terminal."""
    printed = ""
    while True:
        await asyncio.sleep(_PLAIN_SECONDS)
        line = plain_line(scenario)
        if line != printed:
            OUT.print(line, soft_wrap=True, style="dim")
        printed = line


def opening(url: str, doorways: Mapping[str, str]) -> str:
    """The first lines, with rich markup: the address, what runs there, what to look at. ``doorways``: the addresses
    that sign a person in; none for a demo that ends by itself.
    """
    lines = [
        f"[bold]Passerelle  {url}/[/]",
        "Nine Regions and the national site, joined by one gateway, on this machine.",
        f"[dim]The simulated site's clock runs {SPEED:.0f} times as fast: it takes 100 calls a minute.[/]",
        "",
    ]
    if doorways:
        seen = (
            "Open the address in a browser: the map fills while the Regions publish, and the page goes on by itself "
            "when the gateway is killed and comes back."
        )
        lines[2:2] = [seen, *sign_in_lines(doorways)]
    return "\n".join(lines)


def sign_in_lines(doorways: Mapping[str, str]) -> Sequence[str]:
    """The links to the pages behind a session and to the mails, with rich markup."""
    return (
        f"[bold]The pages of a platform, Bretagne:  {doorways[PLATFORM_PAGES]}[/]",
        f"[bold]The operator's pages:               {doorways[OPERATOR_PAGES]}[/]",
        f"[bold]The mails that the gateway sends:    {doorways[MAILS]}[/]",
        "[dim]These links work as often as they are opened, until the demo ends.[/]",
    )


def hints(federation: DemoFederation) -> str:
    """URLs and commands, with rich markup. The visitor's credentials go to a file of their own, not to the output."""
    environ = federation.folder / "visitor.env"
    environ.touch(0o600)
    environ.write_text(
        f"export PASSERELLE_URL={federation.gateway.url}\n"
        f"export PASSERELLE_CLIENT_ID={VISITOR}\n"
        f"export PASSERELLE_CLIENT_SECRET={federation.credentials[VISITOR]}\n"
    )
    pretty = f"| {_escaped(quote(sys.executable))} -m json.tool --no-ensure-ascii"
    lines = (
        "",
        f"[bold]The gateway and its pages keep running at {federation.gateway.url}/[/]",
        f"[bold]The national site (simulated) shows its offers at {federation.site.simulator.url}/[/]",
        *sign_in_lines(federation.doorways),
        "",
        "Paste these into another terminal:",
        f"  . {environ}",
        f"  {_escaped(command(sys.executable))} status",
        "  [dim]# how every platform does[/]",
        f"  {_escaped(_ASK)}",
        f'  curl -s {_HEADER} "$PASSERELLE_URL/v1/changes?limit=1" {pretty}',
        "  [dim]# what subscribers get[/]",
        f"  curl -s -X PUT {_HEADER} {_JSON} -d '{_escaped(_WRONG)}' \"$PASSERELLE_URL/v1/offers/visitor:1\" {pretty}",
        "  [dim]# the answer to a wrong offer[/]",
        "",
        f"[dim]After an hour the site's clock runs {LATER_SPEED:.0f} times as fast, and stays in its school year.[/]",
        "Ctrl-C ends the demo, with a last balance.",
        "",
    )
    return "\n".join(lines)


def command(python: str) -> str:
    """The command ``passerelle`` for another terminal: by name where it is on PATH, else the path of the one that is
    installed beside the interpreter ``python``.
    """
    return "passerelle" if shutil.which("passerelle") else quote(str(Path(python).absolute().with_name("passerelle")))


def _escaped(text: str) -> str:
    """The text with square brackets escaped for rich markup."""
    return text.replace("[", "\\[")
