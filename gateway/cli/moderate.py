"""``passerelle moderate``: withdraw an offer as the operator, or lift that."""

from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import ERR, FAILED, OUT, AsJson, CommandError, asynchronous, print_json
from gateway.cli.desk import By, desk_here
from gateway.cli.operator_context import secret_here
from gateway.clock import now
from gateway.ingest.submissions import Submissions
from gateway.operate.moderation import DECISION_SECONDS, Action, decision_of, newest_state
from gateway.operate.moderation import moderate as moderate_offer
from gateway.protocol.identity import is_offer_id, partition_of
from gateway.protocol.journal import plain_reason
from gateway.protocol.receipt import AFTER_LIFT
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.topic import RECEIPTS

_STEPS = {
    "offer-unknown": "give the offer's whole id, such as bretagne:2027-0001",
    "already-moderated": "passerelle journal list --about ID shows by whom and why; --lift lifts it",
    "not-moderated": "passerelle journal list --about ID shows what was done",
}


@asynchronous
async def moderate(
    offer: Annotated[str, typer.Argument(metavar="ID", help="The offer, such as bretagne:2027-0001.")],
    *,
    reason: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The reason: its publisher reads it, others never; no names of persons."),
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Lift the moderation instead.")] = False,
    by: By = None,
    wait: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for the decision.")
    ] = DECISION_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Withdraw an offer for every reader until that is lifted; its publisher cannot publish it meanwhile.

    Ends with 0 when it is done, 1 when a newer change of the offer prevailed, 2 when there was nothing to do, or no
    gateway decided it: it is then decided when one starts.
    """
    if not is_offer_id(offer):
        raise CommandError(f"{offer} is no id of an offer.", step=_STEPS["offer-unknown"])
    if not lift and not plain_reason(reason or ""):
        raise CommandError("A moderation needs a reason.", step='give it, for the publisher: --reason "…"')
    async with desk_here(by, reason, offer, alone=False, steps=_STEPS) as desk:
        log, ids = desk.log, ReceiptIds(secret_here())
        with ERR.status("Waiting for the gateway"):
            known = await newest_state(log, offer)
            start = (await log.ends(RECEIPTS))[partition_of(offer, log.partitions)]
            submissions = Submissions(log, ids=ids, clock=now)
            action: Action = "lift" if lift else "moderate"
            command = await moderate_offer(desk, action, offer, known, submissions=submissions, ids=ids)
            receipt = await decision_of(log, command, start=start, seconds=wait)
    if receipt is None:
        raise CommandError(
            f"No gateway has decided it within {wait:g} s; it is queued.",
            step="start the gateway, then look at the offer",
        )
    if as_json:
        print_json(receipt)
    elif receipt["verdict"] == "accepted":
        OUT.print(Text.assemble(("✓ ", "green"), f"{offer} is {'no longer ' if lift else ''}moderated."))
        if lift:
            OUT.print(Text(f"For its publisher: {AFTER_LIFT['en']}"))
    else:
        ERR.print(Text(f"{offer} changed meanwhile: nothing was done. Look at it, then run the command again."))
    if receipt["verdict"] != "accepted":
        raise typer.Exit(FAILED)
