"""``passerelle partner``: add, list, change and revoke partners, their rights and credentials."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json, print_pairs, print_rows
from gateway.cli.desk import By, Slug, Why, acting, desk_here
from gateway.cli.keys import read_key_set
from gateway.cli.operator_context import log_here
from gateway.cli.render_partner import (
    LABELS,
    partner_details,
    partner_row,
    print_secret,
    secret_document,
)
from gateway.cli.sign_in import link, sign_out
from gateway.clock import now
from gateway.operate.desk import Desk, add_partner, alter_partner, renew_secret, revoke_partner
from gateway.operate.partner import partner_document
from gateway.partners import Partners
from gateway.partners.credential import MAX_OVERLAP_HOURS, OVERLAP_HOURS, MintedSecret, live_secrets
from gateway.partners.onboarding import PartnerInput, differences
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.record import utc

_ALL, _NONE = "all", "none"
_SCOPE_NAMES = ", ".join(SCOPES)

app = typer.Typer(help="Add, list, show, change, rotate and revoke the platforms that take part.", no_args_is_help=True)
app.command()(link)
app.command()(sign_out)


@app.command()
@asynchronous
async def add(  # noqa: PLR0913  # one per option
    slug: Slug,
    *,
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help=f"What it may do: {_SCOPE_NAMES}; repeat for several.")
    ] = None,
    department: Annotated[list[str] | None, typer.Option(help="INSEE code of its territory; repeat.")] = None,
    host: Annotated[list[str] | None, typer.Option(help="Host name of its public site; repeat.")] = None,
    national_delivery: Annotated[
        str | None, typer.Option(help="Who delivers its offers to the national site: gateway or self.")
    ] = None,
    inbox: Annotated[bool, typer.Option("--inbox", help="It publishes by Kafka itself.")] = False,
    feed: Annotated[bool, typer.Option("--feed", help="It subscribes by Kafka itself.")] = False,
    jwks: Annotated[
        Path | None, typer.Option(help="File with its public keys, for private_key_jwt instead of a secret.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="URL of its own token issuer, instead of a secret.")] = None,
    by: By = None,
    why: Why = None,
    as_json: AsJson = False,
) -> None:
    """Let a platform take part. Its secret is printed only once.

    Options that are not given default to the known data of the nine regional platforms and the national site.
    """
    wish = PartnerInput(
        name=name,
        scopes=scope or (),
        departments=department or (),
        hosts=host or (),
        national_delivery=national_delivery,
        inbox=inbox,
        feed=feed,
        jwks=None if jwks is None else read_key_set(jwks),
        issuer=issuer,
    )
    async with desk_here(by, why, slug, make=True) as desk:  # once the keys are read: it may create a log
        partner, minted = await add_partner(desk, slug, wish)
    _print_partner(partner, minted, done="takes part", as_json=as_json)


@app.command(name="list")
@asynchronous
async def list_all(*, as_json: AsJson = False) -> None:
    """List all platforms, revoked ones included."""
    async with log_here() as log, Partners(log).caught_up_once() as known:
        partners = known.all()
    if as_json:
        print_json([partner_document(partner, now=now()) for partner in partners])
        return
    if not partners:
        OUT.print("There are no partners yet. Next: passerelle partner add SLUG")
    rows = [
        [Text(cell, style="dim" if partner.revoked else "") for cell in partner_row(partner)] for partner in partners
    ]
    print_rows(OUT, LABELS, rows, left=len(LABELS))


@app.command()
@asynchronous
async def show(slug: Slug, *, as_json: AsJson = False) -> None:
    """Show one platform in full. Secrets are stored as hashes only and cannot be printed."""
    async with log_here() as log, Partners(log).caught_up_once() as partners:
        partner = partners.get(slug)
    if partner is None:
        raise CommandError(f"{slug} is not a partner.", step="passerelle partner list shows them all")
    if as_json:
        print_json(partner_document(partner, now=now()))
        return
    print_pairs(OUT, partner_details(partner))


@app.command(name="set")
@acting()
async def alter(  # noqa: PLR0913  # one per option
    desk: Desk,
    slug: Slug,
    *,
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help=f"All that it may do from now on: {_SCOPE_NAMES}; repeat for several.")
    ] = None,
    department: Annotated[
        list[str] | None, typer.Option(help=f"INSEE codes of its whole territory; repeat; {_ALL}: everywhere.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(help=f"Host names of its public sites, all of them; repeat; {_NONE}: no host.")
    ] = None,
    national_delivery: Annotated[
        str | None, typer.Option(help="Who delivers its offers to the national site: gateway or self.")
    ] = None,
    inbox: Annotated[bool | None, typer.Option("--inbox/--no-inbox", help="It publishes by Kafka itself.")] = None,
    feed: Annotated[bool | None, typer.Option("--feed/--no-feed", help="It subscribes by Kafka itself.")] = None,
    jwks: Annotated[
        str | None, typer.Option(metavar="FILE", help=f"Its public keys, as a file; {_NONE}: no keys.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help=f"URL of its own token issuer; {_NONE}: no issuer.")] = None,
    public_since: Annotated[
        str | None,
        typer.Option(metavar="DAY", help=f"First day on which everybody may see its offers; {_NONE}: partners only."),
    ] = None,
    agreement: Annotated[str | None, typer.Option(help="Version of the text by which it agreed to that.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a platform that takes part, and show the differences. Secrets, and values of options not given, stay."""
    alteration = PartnerInput(
        name=name,
        scopes=scope,
        departments=() if department == [_ALL] else department,
        hosts=() if host == [_NONE] else host,
        national_delivery=national_delivery,
        inbox=inbox,
        feed=feed,
        jwks=None if jwks in {None, _NONE} else read_key_set(Path(str(jwks))),
        without_jwks=jwks == _NONE,
        issuer=None if issuer == _NONE else issuer,
        without_issuer=issuer == _NONE,
        public=public_agreement(public_since, agreement),
        without_public=public_since == _NONE,
    )
    before, after = await alter_partner(desk, slug, alteration)
    changes = differences(before, after)
    if as_json:
        compared = {what: {"before": was, "after": is_now} for what, (was, is_now) in changes.items()}
        print_json({"partner": partner_document(after, now=now()), "changes": compared})
        return
    if not changes:
        OUT.print(f"{slug} has these values already: nothing changes.")
        return
    rows = [[Text(what), Text(was), Text(is_now)] for what, (was, is_now) in changes.items()]
    print_rows(OUT, ("", "Before", "Now"), rows, left=3)
    OUT.print(f"[green]✓[/] {slug} is changed, effective with its next request.")


@app.command(name="rotate")
@acting()
async def rotate_secret(
    desk: Desk,
    slug: Slug,
    *,
    overlap: Annotated[
        int,
        typer.Option(
            min=0, max=MAX_OVERLAP_HOURS, help="Hours for which the previous secret stays valid; 0 ends it at once."
        ),
    ] = OVERLAP_HOURS,
    as_json: AsJson = False,
) -> None:
    """Give a platform a new secret, printed only once. The current one stays valid for --overlap hours."""
    partner, minted = await renew_secret(desk, slug, overlap_hours=overlap)
    _print_partner(partner, minted, done="has a new secret", as_json=as_json)
    if not as_json:
        for older in live_secrets(partner.secrets, now=now())[1:]:
            OUT.print(f"The previous secret is valid until {utc(older.ends_at or 0)}.")


@app.command(name="revoke")
@acting()
async def revoke_access(desk: Desk, slug: Slug, *, as_json: AsJson = False) -> None:
    """End a platform's access at once: credentials, keys, and tokens in use. Its offers stay until withdrawn."""
    partner = await revoke_partner(desk, slug)
    if as_json:
        print_json({"partner": partner_document(partner, now=now())})
        return
    OUT.print(f"[green]✓[/] {slug} no longer has access. To add it again: passerelle partner add {slug}")


def public_agreement(since: str | None, agreement: str | None) -> Mapping[str, str] | None:
    """The agreement of the options; None where neither is given, or where it is to end."""
    if since == _NONE or (since is None and agreement is None):
        return None
    return {"since": since or "", "agreement": agreement or ""}


def _print_partner(partner: Partner, minted: MintedSecret | None, *, done: str, as_json: bool) -> None:
    if as_json:
        print_json({"partner": partner_document(partner, now=now()), **secret_document(partner, minted)})
        return
    OUT.print(f"[green]✓[/] {partner.platform} {done}: {', '.join(sorted(partner.scopes))}.")
    print_secret(partner, minted)
