"""``passerelle topics``: create the topics of a federation, and check their configuration."""

import typer

from gateway.bootstrap import topics_of
from gateway.cli.console import FAILED, OUT
from gateway.cli.operating import log_here
from gateway.partners import Partners
from gateway.protocol.topic import COMMON
from gateway.runtime.loop import run

app = typer.Typer(help="Create and check the topics of the log.", no_args_is_help=True)


@app.command()
def create() -> None:
    """Create missing topics, and give the log its identity. Existing topics are never changed."""
    run(_create())


@app.command()
def check() -> None:
    """Compare partition counts, policies and time stamps with the required ones. Ends with 1 when something differs."""
    findings, count = run(_check())
    for finding in findings:
        OUT.print(f"[red]✗[/] {finding}", soft_wrap=True)
    if findings:
        raise typer.Exit(FAILED)
    OUT.print(f"[green]✓[/] {count} topics are as they must be.")


async def _create() -> None:
    async with log_here(make=True) as log:
        await log.create_topics(COMMON)
        async with Partners(log).caught_up_once() as partners:
            topics = topics_of(partners)
        await log.create_topics(topics)
        OUT.print(f"[green]✓[/] {len(topics)} topics exist; the log is {await log.identity()}. Next: passerelle serve")


async def _check() -> tuple[list[str], int]:
    async with log_here() as log:
        findings = list(await log.check_topics(COMMON))
        if findings:
            return findings, len(COMMON)
        async with Partners(log).caught_up_once() as partners:
            topics = topics_of(partners)
        return list(await log.check_topics(topics)), len(topics)
