"""``passerelle national``: status and plan of deliveries to the national site, and the operator's orders."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from adapters.national.maintenance.rehearsal import rehearse
from adapters.national.site.accounts import AccountsError, read_accounts
from adapters.national.site.timing import PER_MINUTE
from gateway.cli.console import ERR, FAILED, OUT, CommandError, asynchronous, print_rows
from gateway.cli.desk import acting
from gateway.cli.operator_context import log_here
from gateway.operate.desk import MAX_CONFIRMED, Desk
from gateway.operate.national import (
    MAX_REPLAYED,
    DeliveryStatus,
    RefusedOrderError,
    account_for,
    carry_out,
    is_possible,
    platform_in,
    read_delivery_status,
)
from gateway.protocol.delivery import AccountPlan
from gateway.protocol.delivery_order import Adopt, Erase, Order, Reconcile, Replay
from gateway.protocol.identity import is_offer_id

_MAX_LISTED = 20
_STEPS = {
    "account-changed": "passerelle national status lists how the accounts file and the site's index differ",
    "account-shared": "give the platform an account of its own in the accounts file, restart the gateway, adopt again",
    "order-too-old": "it is more than an hour old and was not started: run the command again",
    "index-moved": "offers changed at the site while its index was read: run the command again",
    "shrinks-too-much": "review the extra offers; to delete all of them, give their number with --confirm",
    "partner-changing": "other changes of partners were made at the same time: run the command again",
    "site-unavailable": "wait until the site answers again (passerelle national status), then run the command again",
    "still-there": "withdraw the offer at its platform, wait until the national site has deleted it, then erase it",
    "unknown-offer": "the gateway has no record of it at the site: ask the national site to erase it",
    "unknown-platform": "passerelle partner list shows the platforms",
    "waiting-for-right": "ask the national site for the right api_full_access",
}

app = typer.Typer(
    help="Deliver to the national site: status, plan, adopt, reconcile, replay, erase.", no_args_is_help=True
)

AccountName = Annotated[str | None, typer.Option(help="The account, where there are several.")]
Confirm = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=0, max=MAX_CONFIRMED, help="Delete N extra offers although the guard stops that many."
    ),
]
Wait = Annotated[
    float | None,
    typer.Option(min=1, metavar="SECONDS", help="How long to wait for the answer; by default as long as it takes."),
]


@app.command()
@asynchronous
async def status() -> None:
    """Show the state of every offer and of the queue, and how long the remaining calls take."""
    async with log_here() as log:
        standing = await read_delivery_status(log)
    if not standing.notes:
        OUT.print("No account has delivered yet: set PASSERELLE_NATIONAL and start the gateway.")
    for account, note in sorted(standing.notes.items()):
        OUT.print(Text(f"Account {account}", style="bold"))
        for line in _note_lines(note):
            OUT.print(Text(f"  {line}"))
    print_rows(OUT, ("Account", "Platform", "State", "Offers"), _state_rows(standing), left=3)
    _print_codes(standing.codes)


@app.command()
@asynchronous
async def plan(
    accounts: Annotated[Path, typer.Option(envvar="PASSERELLE_NATIONAL", help="The accounts file.")],
) -> None:
    """Show what would be sent, without sending anything; works before the connector is first started."""
    for each in await _plans(accounts):
        queue, total = each.queue, each.calls
        OUT.print(Text(f"Account {each.account}", style="bold"))
        OUT.print(f"  {queue['delete']} to withdraw, {queue['create']} to create, {queue['update']} to update")
        OUT.print(
            f"  {queue['later']} wait for a later day; {each.states.get('not-deliverable', 0)} cannot be delivered"
        )
        OUT.print(f"  {_duration(total)} at {PER_MINUTE} calls a minute")
        _print_codes(each.codes)


@app.command()
@acting(alone=False)
async def adopt(
    desk: Desk,
    platform: Annotated[str, typer.Argument(help="The platform that has delivered by itself so far.", metavar="SLUG")],
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Apply the changes; else only list them.")] = False,
    confirm: Confirm = None,
    wait: Wait = None,
) -> None:
    """Take over a platform's own delivery: match what it delivered, create what is missing, delete what is extra."""
    answer = await _order(desk, Adopt(platform, apply, confirm), wait)
    _print_answer(answer)
    if not apply:
        OUT.print(
            "Nothing was changed. Once the platform has stopped its own deliveries: the same command with --apply."
        )


@app.command()
@acting(alone=False)
async def reconcile(
    desk: Desk,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is missing, extra or different.")] = False,
    account: AccountName = None,
    confirm: Confirm = None,
    wait: Wait = None,
) -> None:
    """Compare the site's index with the offers. Ends with 1 when something differs and was not repaired."""
    answer = await _order(desk, Reconcile(repair, confirm), wait, account=account)
    _print_answer(answer)
    clean = not any(answer[name]["count"] for name in ("missing", "extra", "differing", "doubled"))
    if not clean and not repair:
        raise typer.Exit(FAILED)


@app.command()
@acting(alone=False)
async def replay(
    desk: Desk,
    offers: Annotated[list[str] | None, typer.Argument(help="Offers to retry; without any: every dead letter.")] = None,
    *,
    account: AccountName = None,
    wait: Wait = None,
) -> None:
    """Retry offers that were refused, given up, or taken down by the site; the latter must be named."""
    answer = await _order(desk, Replay(tuple(offers or ())), wait, account=account)
    OUT.print(f"{answer['replayed']} offers will be retried")
    for offer_id in answer["nothing_to_do"]:
        OUT.print(Text(f"{offer_id}: nothing to retry"))


@app.command()
@acting(alone=False)
async def erase(
    desk: Desk,
    offer: Annotated[str, typer.Argument(help="The offer, which the site has already deleted.", metavar="OFFER")],
    *,
    account: AccountName = None,
    wait: Wait = None,
) -> None:
    """Overwrite the data that the site keeps of a deleted offer, after an erasure request of a person or an employer.

    Ends with 1 when the site keeps some of it.
    """
    answer = await _order(desk, Erase(offer), wait, account=account)
    _print_answer(answer)
    if answer["kept"]["count"]:
        raise typer.Exit(FAILED)


async def _plans(path: Path) -> list[AccountPlan]:
    try:
        accounts = read_accounts(path, os.environ)
    except AccountsError as error:
        raise CommandError(f"{error}.", step="correct the accounts file; docs/national.md describes it") from error
    async with log_here() as log:
        with ERR.status("Reading the log"):
            return await rehearse(log, accounts)


async def _order(desk: Desk, order: Order, seconds: float | None, *, account: str | None = None) -> Mapping[str, Any]:
    """The answer to an order. Raises CommandError if it reports an error, or if there is none in time."""
    if not is_possible(order):
        raise _impossible(order)
    notes = (await read_delivery_status(desk.log)).notes
    owner = account_for(notes, account=account, platform=platform_in(order))
    waiting = f"Waiting for the gateway that works for the account {owner} (Ctrl-C leaves the order with it)"
    try:
        with ERR.status(waiting):
            ordered = await carry_out(desk, order, account=owner, seconds=seconds)
    except RefusedOrderError as error:
        raise _refusal(error.answer) from error
    if ordered.placed.answer is None:
        late = f"The gateway that works for the account {owner} has not answered within {seconds:g} s; the order stays."
        raise CommandError(late, step="passerelle national status shows whether it works")
    return ordered.placed.answer


def _impossible(order: Order) -> CommandError:
    """The error of an order that is not possible."""
    if isinstance(order, Adopt):
        return CommandError(f"{order.platform} is no slug of a platform.", step=_STEPS["unknown-platform"])
    offers = order.offers if isinstance(order, Replay) else [order.offer] if isinstance(order, Erase) else []
    if (wrong := next((one for one in offers if not is_offer_id(one)), None)) is not None:
        return CommandError(f"{wrong} is no id of an offer.", step="give whole ids, such as bretagne:2027-0001")
    message = f"{len(offers)} offers are more than one order may name."
    return CommandError(message, step=f"name {MAX_REPLAYED:,} at most, the others in further orders")


def _refusal(answer: Mapping[str, Any]) -> CommandError:
    """The error of an answer that reports one, after what it found."""
    if "extra" in answer:
        _print_answer(answer)
    error = answer["error"]
    number = f" ({answer['would_delete']} extra offers would be deleted)" if "would_delete" in answer else ""
    return CommandError(f"Nothing was changed: {error}{number}.", step=_STEPS.get(error, "see docs/national.md"))


def _print_answer(answer: Mapping[str, Any]) -> None:
    for name, value in answer.items():
        if isinstance(value, dict):
            OUT.print(f"{name}: {value['count']}")
            rest = next(one for key, one in value.items() if key != "count")
            for item in list(rest.items() if isinstance(rest, dict) else rest)[:_MAX_LISTED]:
                OUT.print(Text(f"  {item[0]}: {', '.join(item[1])}" if isinstance(item, tuple) else f"  {item}"))
            if value["count"] > _MAX_LISTED:
                OUT.print(f"  … and {value['count'] - _MAX_LISTED} more")
        else:
            OUT.print(Text(f"{name}: {value}"))


def _note_lines(note: Mapping[str, Any]) -> list[str]:
    queue = note["queue"]
    calls = queue["delete"] + queue["create"] + queue["update"]
    kinds = (("delete", "to withdraw"), ("create", "to create"), ("update", "to update"), ("later", "later"))
    due = ", ".join(f"{queue[name]} {words}" for name, words in (*kinds, ("doubt", "of unknown outcome")))
    lines = [
        f"as of {note['at']}: {due}; {_duration(calls)}",
        f"last answer {note.get('answered_at', 'never')}" + (", the site does not answer" if note["down"] else ""),
    ]
    if "error" in note:
        lines.append(
            f"last failure {note.get('failed_at')}: {note['error']}" + (f"; {note['step']}" if "step" in note else "")
        )
    if "identity" in note:
        identity = note["identity"]
        counts = ", ".join(f"{identity[name]} {name}" for name in ("held", "missing") if name in identity)
        lines.append(f"stopped: the account differs from the one that delivered before: {counts or identity['error']}")
        lines.append(f"next step: {identity['step']}")
    if "search" in note:
        lines.append("offers made there: " + ", ".join(f"{name} {value}" for name, value in note["search"].items()))
    return lines


def _duration(calls: int) -> str:
    minutes = -(-calls // PER_MINUTE)
    return f"about {minutes} min" if minutes < 120 else f"about {minutes / 60:.1f} h"


def _state_rows(standing: DeliveryStatus) -> list[list[Text]]:
    return [
        [Text(account), Text(platform), Text(state), Text(f"{number:,}")]
        for (account, platform, state), number in sorted(standing.states.items())
        if number
    ]


def _print_codes(codes: Mapping[str, int]) -> None:
    for code, number in sorted(codes.items(), key=lambda one: -one[1]):
        if number:
            OUT.print(f"  {number:>6,} {code}")
