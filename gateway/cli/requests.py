"""``passerelle requests``: strangers who ask to connect a feed: list, show, try, approve, refuse."""

from typing import Annotated

import typer
from rich.text import Text

from gateway.bootstrap.rehearsal import rehearsals
from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json, print_rows
from gateway.cli.desk import acting
from gateway.cli.operator_context import log_here, secret_here, settings_here
from gateway.cli.partner import public_agreement
from gateway.cli.render_partner import print_secret, secret_document
from gateway.notices.request_acts import (
    COUNTED,
    approve_request,
    dry_run_document,
    found,
    listed,
    refuse_request,
    request_document,
    try_request,
)
from gateway.notices.requests import RequestBook
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.releases import ReleaseBook
from gateway.partners.onboarding import PartnerInput

_HEADS = ("Id", "Name", "Mail domain", "Feed host", "Asked at")
_STEPS = {
    "unknown": "passerelle requests list shows those that wait for an answer",
    "request-answered": "passerelle requests list shows those that wait for an answer",
    "request-refused": "give one with --reason",
}

app = typer.Typer(help="Requests to connect a feed: list, show, try, approve, refuse.", no_args_is_help=True)
RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request's id, of passerelle requests list.")]


@app.command(name="list")
@asynchronous
async def list_requests(*, as_json: AsJson = False) -> None:
    """List the requests that wait for an answer. Their senders are not verified."""
    async with log_here() as log, RequestBook(log, secret=secret_here()).caught_up_once() as book:
        documents = [request_document(one) for one in listed(book.state)]
    if as_json:
        print_json({"requests": documents})
        return
    names = ("id", "name", "mail_domain", "feed_host", "asked_at")
    print_rows(OUT, _HEADS, [[Text(str(one[name])) for name in names] for one in documents], left=len(_HEADS))


@app.command()
@asynchronous
async def show(request: RequestId) -> None:
    """Show a request as JSON, with its mapping and the counts of its last dry run."""
    async with log_here() as log, RequestBook(log, secret=secret_here()).caught_up_once() as book:
        try:
            print_json(request_document(found(book.state, request)))
        except RefusedActError as error:
            raise CommandError(str(error), step=_STEPS["unknown"]) from error


@app.command(name="try")
@acting(alone=False, steps=_STEPS)
async def try_now(desk: Desk, request: RequestId, *, as_json: AsJson = False) -> None:
    """Fetch and judge the feed of a request as a run would, and publish nothing."""
    async with (
        ReleaseBook(desk.log, clock=desk.clock).caught_up_once() as releases,
        RequestBook(desk.log, secret=secret_here()).caught_up_once() as book,
    ):
        dry_run = await try_request(desk, book, request, rehearsals(settings_here(), releases, desk.clock))
    if as_json:
        print_json(dry_run_document(dry_run))
        return
    document = dry_run_document(dry_run)
    OUT.print(Text(", ".join(f"{name} {document['counts'][name]}" for name in COUNTED)))
    for code, number in document["rules"].items():
        OUT.print(Text(f"  {number}  {code}"))
    if dry_run.failure is not None:
        OUT.print(Text(dry_run.failure["en"]))


@app.command()
@acting(steps=_STEPS)
async def approve(  # noqa: PLR0913  # one per option
    desk: Desk,
    request: RequestId,
    *,
    platform: Annotated[str, typer.Option(metavar="SLUG", help="The slug of the new platform.")],
    name: Annotated[str | None, typer.Option(help="Its name; by default as given in the request.")] = None,
    departments: Annotated[list[str] | None, typer.Option("--department", help="INSEE code; repeat.")] = None,
    hosts: Annotated[list[str] | None, typer.Option("--host", help="Its public host name; repeat.")] = None,
    public_since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Everybody may see its offers from this day on; with --agreement.")
    ] = None,
    agreement: Annotated[str | None, typer.Option(help="The version of its agreement to that.")] = None,
    secret: Annotated[bool, typer.Option("--secret", help="Make a secret, by which it may read offers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a partner of a request; its feed is pulled from then on, and the person gets a link by mail."""
    public = public_agreement(public_since, agreement)
    wish = PartnerInput(name=name, departments=departments, hosts=hosts, public=public)
    async with RequestBook(desk.log, secret=secret_here()).caught_up_once() as book:
        partner, minted = await approve_request(desk, book, request, platform, wish, secret=secret)
    if as_json:
        print_json({"request": request, "platform": partner.platform} | secret_document(partner, minted))
        return
    OUT.print(Text(f"✓ {partner.name} takes part as {partner.platform}."))
    print_secret(partner, minted)


@app.command()
@acting(steps=_STEPS)
async def refuse(desk: Desk, request: RequestId) -> None:
    """Refuse a request with --reason, which the person gets by mail; then all of it is erased."""
    async with RequestBook(desk.log, secret=secret_here()).caught_up_once() as book:
        await refuse_request(desk, book, request)
    OUT.print("[green]✓[/] Refused.")
