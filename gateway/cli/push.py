"""``passerelle push``: the subscriptions of platforms, on the gateway's machine: state, attempts, and acts."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json
from gateway.cli.desk import Slug, acting
from gateway.cli.operator_context import log_here, secret_here
from gateway.operate.desk import Desk, active
from gateway.partners import Partners
from gateway.protocol.criteria import FILTERS
from gateway.protocol.subscription import MAX_RATE, PREFERRED_BYTES
from gateway.push.acts import (
    ACTIONS,
    SubscriptionAction,
    act_on_subscription,
    delete_subscription,
    newest_secret,
    put_subscription,
    subscription_document,
)
from gateway.push.attempts import attempt_document, read_attempts
from gateway.push.book import SubscriptionBook, settings_of
from gateway.push.wish import read_wish

app = typer.Typer(help="Subscriptions of platforms to pushes: state, attempts and acts.", no_args_is_help=True)
_FILTERS = f"Repeat it: {', '.join(FILTERS)}; territory=all is all of France, not the platform's own territory."
_URL = "https, port 443. - reads it from one line of standard input: its query is a credential."
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the subscription.")]

_STEPS = {
    "unknown": "passerelle push list {0} shows them all; passerelle partner list shows the platforms",
    "subscription-invalid": "correct that, then run the same command again; --replace sets one that is there again",
    "subscription-limit": "passerelle push delete {0} NAME deletes one",
    "subscription-too-often": "run the command again later",
    "subscription-rotating": "run the command again after that time",
    "subscription-unblocked": "passerelle push list {0} names a change that is refused, if there is one",
    "subscription-code": "passerelle push test {0} NAME sends the code to the URL",
}
_HELP: dict[SubscriptionAction, str] = {
    "test": "Send a test to the URL of a subscription, with the code that confirms it.",
    "confirm": "Confirm the URL of a subscription with the code of a test.",
    "replay": "Push everything again, as the next generation.",
    "enable": "End the waiting after failures, or that a subscription is disabled.",
    "rotate": "Give a subscription a new secret, which is printed once; the old one also signs for 24 hours.",
    "skip": "Pass over the change that the endpoint refuses.",
}


@app.command("list")
@asynchronous
async def list_subscriptions(
    platform: Annotated[str | None, typer.Argument(metavar="[SLUG]", help="One platform only.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the subscriptions with their state; URLs without their query, which is the platform's alone."""
    async with (
        log_here() as log,
        Partners(log).caught_up_once() as partners,
        SubscriptionBook(log).caught_up_once() as book,
    ):
        found = [
            {"platform": partner.platform, **subscription_document(book, partner.platform, one, owner=False)}
            for partner in partners.all()
            if platform in (None, partner.platform)
            for one in settings_of(book.state, partner).items
        ]
    if as_json:
        print_json({"subscriptions": found})
        return
    for one in found:
        blocked = f", {one['blocked']['offer']} is refused" if "blocked" in one else ""
        reason = f" ({one['reason']})" if "reason" in one else ""
        OUT.print(Text(f"{one['platform']} {one['name']}: {one['state']}{reason}{blocked} · {one['url']}"))
    if not found:
        OUT.print(Text("There is no subscription."))


@app.command()
@asynchronous
async def attempts(platform: Slug, name: Name, *, as_json: AsJson = False) -> None:
    """List the last attempts of a subscription, the newest first."""
    async with (
        log_here() as log,
        Partners(log).caught_up_once() as partners,
        SubscriptionBook(log).caught_up_once() as book,
    ):
        one = settings_of(book.state, partners.get(platform)).get(name)
        if one is None:
            raise CommandError(f"{platform} has no subscription {name}.", step=_STEPS["unknown"].format(platform))
        rows, _ = await read_attempts(log, platform, one.id)
    documents = [attempt_document(found) for found in rows]
    if as_json:
        print_json({"attempts": documents})
        return
    for row in documents:
        outcome = row.get("status") or row.get("reason") or "arrived"
        offer = f", {row['offer']}" if "offer" in row else ""
        numbers = f"{_counted(row['pushes'], 'push', 'pushes')}, {_counted(row['changes'], 'change', 'changes')}"
        OUT.print(Text(f"{row['at']}  {outcome}  {numbers}{offer}"))
    if not documents:
        OUT.print(Text("There is no attempt yet."))


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _given(url: str) -> str:
    """The URL of the option, before the log is opened: no other command waits for a person who types."""
    return sys.stdin.readline().strip() if url == "-" else url


@app.command()
@acting(steps=_STEPS)
async def create(
    desk: Desk,
    platform: Slug,
    name: Name,
    *,
    url: Annotated[str, typer.Option(metavar="-|URL", callback=_given, help=_URL)],
    filters: Annotated[list[str] | None, typer.Option("--filter", metavar="NAME=VALUE[,VALUE]", help=_FILTERS)] = None,
    max_batch: Annotated[int, typer.Option(metavar="BYTES", help="The largest page.")] = PREFERRED_BYTES,
    rate: Annotated[int, typer.Option(metavar="PUSHES", help="Pushes a minute.")] = MAX_RATE,
    replace: Annotated[
        bool, typer.Option("--replace", help="Set one of this name again, with all its settings.")
    ] = False,
) -> None:
    """Create a subscription; its secret is printed once. Nothing is pushed before its URL is confirmed."""
    partner, secret = active(desk.partners.get(platform), platform), secret_here()
    given: dict[str, list[str]] = {}
    for text in filters or ():
        which, _, value = text.partition("=")
        given.setdefault(which, []).append(value)
    wish = read_wish(given, url=url, max_batch=max_batch, rate=rate)
    async with SubscriptionBook(desk.log).caught_up_once() as book:
        one, before = await put_subscription(desk, book, partner, name, wish, new=not replace)
        state = subscription_document(book, platform, one, owner=False)["state"]
    if before is None:
        typer.echo(newest_secret(secret, platform, one))
    step = "" if one.confirmed else f"; passerelle push test {platform} {name} sends the code that confirms its URL"
    OUT.print(Text(f"{name} of {platform} is set; it is {state}{step}."))


@app.command()
@acting(steps=_STEPS)
async def delete(desk: Desk, platform: Slug, name: Name) -> None:
    """Delete a subscription: nothing more is pushed."""
    partner = active(desk.partners.get(platform), platform)
    async with SubscriptionBook(desk.log).caught_up_once() as book:
        await delete_subscription(desk, book, partner, name)
    OUT.print(Text(f"{name} of {platform} is deleted."))


async def _act(desk: Desk, platform: str, name: str, action: SubscriptionAction, code: str) -> None:
    partner, secret = active(desk.partners.get(platform), platform), secret_here()
    async with SubscriptionBook(desk.log).caught_up_once() as book:
        one = await act_on_subscription(desk, book, partner, name, action, secret=secret, named=code)
        state = subscription_document(book, platform, one, owner=False)["state"]
    if action == "rotate":
        typer.echo(newest_secret(secret, platform, one))
    OUT.print(Text(f"{name} of {platform}: {action} is ordered; it is {state}."))


def _command(action: SubscriptionAction) -> Callable[..., None]:
    """The command of an action."""
    if action == "confirm":

        @acting(steps=_STEPS)
        async def confirm(
            desk: Desk,
            platform: Slug,
            name: Name,
            code: Annotated[str, typer.Argument(metavar="CODE", help="The code that the URL received.")],
        ) -> None:
            await _act(desk, platform, name, action, code)

        return confirm

    @acting(steps=_STEPS)
    async def order(desk: Desk, platform: Slug, name: Name) -> None:
        await _act(desk, platform, name, action, "")

    return order


for _action in ACTIONS:
    app.command(_action, help=_HELP[_action])(_command(_action))
