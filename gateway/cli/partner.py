"""``passerelle partner``: add, list, change and revoke partners, their rights and credentials."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json, print_pairs, print_rows
from gateway.cli.keys import read_key_set
from gateway.cli.operator_context import active_partner, known_partner, partners_here
from gateway.cli.render_partner import (
    LABELS,
    partner_details,
    partner_row,
    partner_without_hashes,
    print_secret,
    secret_document,
)
from gateway.clock import now
from gateway.partners.credential import MintedSecret, live_secrets, mint_secret, revoke, rotate
from gateway.partners.onboarding import Alteration, PartnerInput, altered, differences, new_partner
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.record import utc
from gateway.runtime.loop import run

_ALL, _NONE = "all", "none"
_SCOPE_NAMES = ", ".join(SCOPES)
_HOUR_MS = 3_600_000

app = typer.Typer(help="Add, list, show, change, rotate and revoke the platforms that take part.", no_args_is_help=True)

Slug = Annotated[str, typer.Argument(help="The platform's slug, such as bretagne.", metavar="SLUG")]


@app.command()
def add(  # noqa: PLR0913  # one per option
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
    partner, minted = run(_add(slug, wish))
    _print_partner(partner, minted, done="takes part", as_json=as_json)


@app.command(name="list")
@asynchronous
async def list_all(*, as_json: AsJson = False) -> None:
    """List all platforms, revoked ones included."""
    async with partners_here() as known:
        partners = known.all()
    if as_json:
        print_json([partner_without_hashes(partner) for partner in partners])
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
    async with partners_here() as partners:
        partner = known_partner(partners.get(slug), slug)
    if as_json:
        print_json(partner_without_hashes(partner))
        return
    print_pairs(OUT, partner_details(partner))


@app.command(name="set")
def alter(  # noqa: PLR0913  # one per option
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
    as_json: AsJson = False,
) -> None:
    """Change a platform that takes part, and show the differences. Secrets, and values of options not given, stay."""
    alteration = Alteration(
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
    )
    before, after = run(_alter(slug, alteration))
    changes = differences(before, after)
    if as_json:
        compared = {what: {"before": was, "after": is_now} for what, (was, is_now) in changes.items()}
        print_json({"partner": partner_without_hashes(after), "changes": compared})
        return
    if not changes:
        OUT.print(f"{slug} has these values already: nothing changes.", soft_wrap=True)
        return
    rows = [[Text(what), Text(was), Text(is_now)] for what, (was, is_now) in changes.items()]
    print_rows(OUT, ("", "Before", "Now"), rows, left=3)
    OUT.print(f"[green]✓[/] {slug} is changed, effective with its next request.", soft_wrap=True)


@app.command(name="rotate")
@asynchronous
async def rotate_secret(
    slug: Slug,
    *,
    overlap: Annotated[
        int, typer.Option(min=0, help="Hours for which the previous secret stays valid; 0 ends it at once.")
    ] = 168,
    as_json: AsJson = False,
) -> None:
    """Give a platform a new secret, printed only once. The current one stays valid for --overlap hours."""
    minted = mint_secret(now=now(), entropy=os.urandom)

    def with_new_secret(present: Partner | None) -> Partner:
        at = now()
        fresh = replace(minted.kept, created_at=at)
        return rotate(active_partner(present, slug), fresh, now=at, overlap=overlap * _HOUR_MS)

    async with partners_here(to_change=True) as partners:
        partner = await partners.change(slug, with_new_secret)
    _print_partner(partner, minted, done="has a new secret", as_json=as_json)
    if not as_json:
        for older in live_secrets(partner.secrets, now=now())[1:]:
            OUT.print(f"The previous secret is valid until {utc(older.ends_at or 0)}.", soft_wrap=True)


@app.command(name="revoke")
@asynchronous
async def revoke_access(slug: Slug, *, as_json: AsJson = False) -> None:
    """End a platform's access at once: credentials, keys, and tokens in use. Its offers stay until withdrawn."""
    async with partners_here(to_change=True) as partners:
        partner = await partners.change(slug, lambda present: revoke(active_partner(present, slug)))
    if as_json:
        print_json({"partner": partner_without_hashes(partner)})
        return
    OUT.print(f"[green]✓[/] {slug} no longer has access. To add it again: passerelle partner add {slug}")


async def _add(slug: str, wish: PartnerInput) -> tuple[Partner, MintedSecret | None]:
    at = now()
    minted = mint_secret(now=at, entropy=os.urandom) if wish.jwks is None and wish.issuer is None else None

    async with partners_here(make=True, to_change=True) as partners:

        def join(present: Partner | None) -> Partner:
            made = new_partner(slug, wish, others=partners.all())
            if not isinstance(made, Partner):
                raise CommandError(" ".join(made), step=_remedy(slug, present))
            return replace(made, joined_at=at, secrets=() if minted is None else (minted.kept,))

        # Before the partner record: a gateway that reads it needs the topics at once.
        await partners.create_topics(join(partners.get(slug)))
        return await partners.change(slug, join), minted


def _remedy(slug: str, present: Partner | None) -> str:
    """The remedy if a platform cannot be added; ``present`` is the partner with this slug, if any."""
    if present is None or present.revoked:
        return "correct that, then run the same command again"
    return f"passerelle partner rotate {slug} gives it a new secret; passerelle partner set {slug} changes its rights"


async def _alter(slug: str, alteration: Alteration) -> tuple[Partner, Partner]:
    async with partners_here(to_change=True) as partners:
        before: list[Partner] = []

        def edit(present: Partner | None) -> Partner:
            before[:] = [active_partner(present, slug)]
            after = altered(before[0], alteration, others=partners.all())
            findings = _feed_findings(after) if isinstance(after, Partner) else after
            if not isinstance(after, Partner) or findings:
                raise CommandError(" ".join(findings), step="correct that, then run the same command again")
            return after

        # Before the partner record: a gateway that reads it needs the topics at once.
        await partners.create_topics(edit(partners.get(slug)))
        after = await partners.change(slug, edit)
        return before[0], after


def _feed_findings(partner: Partner) -> tuple[str, ...]:
    """Reject publishing by a platform whose source is pulled: two writers would overwrite each other."""
    from adapters.pull.pulls import has_feed  # noqa: PLC0415 - imports every transport

    if has_feed(partner) and ("offers:publish" in partner.scopes or partner.inbox):
        return (f"{partner.platform} is pulled by its profile, so it cannot also publish by itself.",)
    return ()


def _print_partner(partner: Partner, minted: MintedSecret | None, *, done: str, as_json: bool) -> None:
    if as_json:
        print_json({"partner": partner_without_hashes(partner), **secret_document(partner, minted)})
        return
    OUT.print(f"[green]✓[/] {partner.platform} {done}: {', '.join(sorted(partner.scopes))}.", soft_wrap=True)
    print_secret(partner, minted)
