"""``passerelle topics`` and ``audit``: create and check the topics of the log, and verify its guarantees."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import ERR, FAILED, OUT, CommandError, asynchronous, print_findings, print_rows
from gateway.cli.operator_context import command_errors, log_here, settings_here
from gateway.operate.audit import audit as audit_log
from gateway.partners import Partners, topics_of
from gateway.protocol.journal_seal import read_known
from gateway.protocol.topic import COMMON, Topic
from gateway.runtime.keys import load_secret, secret_file

topics = typer.Typer(help="Create and check the topics of the log.", no_args_is_help=True)


@topics.command()
@asynchronous
async def create() -> None:
    """Create missing topics, and give the log its identity. Existing topics are never changed."""
    async with log_here(make=True) as log:
        await log.create_topics(COMMON)
        async with Partners(log).caught_up_once() as partners:
            needed = topics_of(partners)
        await log.create_topics(needed)
        OUT.print(f"[green]✓[/] {len(needed)} topics exist; the log is {await log.identity()}. Next: passerelle serve")


@topics.command()
@asynchronous
async def check() -> None:
    """Compare partition counts, policies and time stamps with the required ones. Ends with 1 when something differs."""
    needed: Sequence[Topic] = COMMON
    async with log_here() as log:
        findings = await log.check_topics(needed)
        if not findings:
            async with Partners(log).caught_up_once() as partners:
                needed = topics_of(partners)
            findings = await log.check_topics(needed)
    print_findings(OUT, findings)
    if findings:
        raise typer.Exit(FAILED)
    OUT.print(f"[green]✓[/] {len(needed)} topics are as required.")


@asynchronous
async def audit(
    known: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER:DIGEST",
            help="An entry of the journal as an earlier audit printed it: all entries up to it must be as they were.",
        ),
    ] = None,
) -> None:
    """Check the whole log: nothing accepted is lost, nothing is there twice, no submission was skipped.

    The gateway may run meanwhile. Ends with 0 without findings, 1 with findings.
    """
    try:
        noted = None if known is None else read_known(known)
    except ValueError as error:
        raise CommandError(f"{known}: {error}.", step="give the entry as passerelle audit printed it") from error
    settings = settings_here()
    with command_errors():
        here = settings.secret is not None or secret_file(settings.data).exists()
        secret = load_secret(settings.secret, folder=settings.data) if here else None
    async with log_here() as log:
        with ERR.status("Reading the log"):
            report = await audit_log(log, secret=secret, known=noted)
    rows = [[Text(name), Text(f"{number:,}")] for name, number in report.counts.items()]
    print_rows(OUT, ("Read", "Number"), rows, left=1)
    print_findings(OUT, report.findings)
    if journal := report.journal if report.journal.entries else None:
        covered = f"sealed since entry {journal.since}" if journal.sealed else "seal not checked: no secret is here"
        entry = f"{journal.last.number}:{journal.last.digest}"
        OUT.print(Text(f"The journal ends with entry {entry} ({covered})."))
    if not report.clean:
        ERR.print(
            f"{report.wrong} findings. Next step: keep the log as it is, and report them; docs/mend.md, “Audit”, "
            "describes what is checked.",
        )
        raise typer.Exit(FAILED)
    OUT.print("[green]✓[/] The log keeps its guarantees.")
