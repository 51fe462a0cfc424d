"""``passerelle partner set``: change a partner's rights, territory, Kafka access or keys, and print the differences."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from adapters.pull.pulls import has_feed
from gateway.cli.console import OUT, CommandError
from gateway.cli.key_set import read_key_set
from gateway.cli.operating import active_partner, partners_here
from gateway.cli.render import print_json
from gateway.cli.render_partner import partner_without_hashes
from gateway.cli.rows import print_rows
from gateway.partners.onboarding import Alteration, altered, differences
from gateway.protocol.partner import SCOPES, Partner
from gateway.runtime.loop import run

ALL, NONE = "all", "none"
SCOPE_NAMES = ", ".join(SCOPES)


def alter(  # noqa: PLR0913  # one per option
    slug: Annotated[str, typer.Argument(help="The platform's slug, such as bretagne.", metavar="SLUG")],
    *,
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help=f"All that it may do from now on: {SCOPE_NAMES}; repeat for several.")
    ] = None,
    department: Annotated[
        list[str] | None, typer.Option(help=f"INSEE codes of its whole territory; repeat; {ALL}: everywhere.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(help=f"Host names of its public sites, all of them; repeat; {NONE}: no host.")
    ] = None,
    national_delivery: Annotated[
        str | None, typer.Option(help="Who delivers its offers to the national site: gateway or self.")
    ] = None,
    inbox: Annotated[bool | None, typer.Option("--inbox/--no-inbox", help="It publishes by Kafka itself.")] = None,
    feed: Annotated[bool | None, typer.Option("--feed/--no-feed", help="It subscribes by Kafka itself.")] = None,
    jwks: Annotated[
        str | None, typer.Option(metavar="FILE", help=f"Its public keys, as a file; {NONE}: no keys.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help=f"URL of its own token issuer; {NONE}: no issuer.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Change a platform that takes part, and show the differences. Secrets, and values of options not given, stay."""
    alteration = Alteration(
        name=name,
        scopes=scope,
        departments=() if department == [ALL] else department,
        hosts=() if host == [NONE] else host,
        national_delivery=national_delivery,
        inbox=inbox,
        feed=feed,
        jwks=None if jwks in {None, NONE} else read_key_set(Path(str(jwks))),
        without_jwks=jwks == NONE,
        issuer=None if issuer == NONE else issuer,
        without_issuer=issuer == NONE,
    )
    before, after = run(_alter(slug, alteration))
    changes = differences(before, after)
    if as_json:
        compared = {what: {"before": was, "after": is_now} for what, (was, is_now) in changes.items()}
        print_json({"partner": partner_without_hashes(after), "changes": compared})
        return
    if not changes:
        OUT.print(f"{slug} is so already: nothing changes.", soft_wrap=True)
        return
    rows = [[Text(what), Text(was), Text(is_now)] for what, (was, is_now) in changes.items()]
    print_rows(OUT, ("", "Before", "Now"), rows, left=3)
    OUT.print(f"[green]✓[/] {slug} is changed, from its next request on.", soft_wrap=True)


async def _alter(slug: str, alteration: Alteration) -> tuple[Partner, Partner]:
    async with partners_here(to_change=True) as partners:
        before: list[Partner] = []

        def edit(present: Partner | None) -> Partner:
            before[:] = [active_partner(present, slug)]
            after = altered(before[0], alteration, others=partners.all())
            findings = _feed_findings(after) if isinstance(after, Partner) else after
            if not isinstance(after, Partner) or findings:
                raise CommandError(" ".join(findings), step="mend that, then run the same command again")
            return after

        # Before the partner record: a gateway that reads it needs the topics at once.
        await partners.create_topics(edit(partners.get(slug)))
        after = await partners.change(slug, edit)
        return before[0], after


def _feed_findings(partner: Partner) -> tuple[str, ...]:
    """Reject publishing by a platform whose source is pulled: two writers would overwrite each other."""
    if has_feed(partner) and ("offers:publish" in partner.scopes or partner.inbox):
        return (f"{partner.platform} is pulled by its profile, and so cannot publish by itself as well.",)
    return ()
