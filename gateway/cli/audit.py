"""``passerelle audit``: verify the log's guarantees from its records alone."""

import typer
from rich.text import Text

from gateway.cli.console import ERR, FAILED, OUT
from gateway.cli.operating import log_here
from gateway.cli.rows import print_rows
from gateway.operate.audit import AuditReport
from gateway.operate.audit import audit as audit_log
from gateway.runtime.loop import run


def audit() -> None:
    """Check the whole log: nothing accepted is lost, nothing is there twice, no submission was skipped.

    The gateway may go on working meanwhile. Ends with 0 when all is well, 1 when something is wrong.
    """
    report = run(_audit())
    rows = [[Text(name), Text(f"{number:,}")] for name, number in report.counts.items()]
    print_rows(OUT, ("Read", "Number"), rows, left=1)
    for finding in report.findings:
        OUT.print(Text.assemble(("✗ ", "red"), finding), soft_wrap=True)
    if not report.clean:
        ERR.print(
            f"{report.wrong} findings. Next step: keep the log as it is, and report them with docs/operations.md, "
            "“What can fail, and what then happens”, at hand.",
            soft_wrap=True,
        )
        raise typer.Exit(FAILED)
    OUT.print("[green]✓[/] The log keeps its promises.")


async def _audit() -> AuditReport:
    async with log_here() as log:
        with ERR.status("Reading the log"):
            return await audit_log(log)
