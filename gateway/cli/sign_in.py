"""``passerelle partner link`` and ``sign-out``: let a person of a platform onto its pages, and end all its sessions."""

from typing import Annotated

import typer

from gateway.cli.console import ERR, OUT, AsJson, CommandError, print_json
from gateway.cli.desk import Slug, acting
from gateway.cli.operator_context import secret_here, settings_here, url_here
from gateway.clock import now
from gateway.operate.desk import Desk
from gateway.operate.sign_in import end_sessions, make_link
from gateway.partners.session import person_of
from gateway.partners.sign_in import SignIns
from gateway.protocol.record import utc
from schemas.rulebook import Language


@acting(alone=False, steps={"invalid": "correct --person, then try again"})
async def link(
    desk: Desk,
    slug: Slug,
    *,
    person: Annotated[str, typer.Option(help="The person's name; it travels in the link and is never stored.")],
    lang: Annotated[Language, typer.Option(help="Language of the page that the link opens.")] = "fr",
    as_json: AsJson = False,
) -> None:
    """Make a link by which a person opens one session on the platform's pages, within fifteen minutes.

    The link serves once. A platform with the scope operate comes to the operator's pages. Prints the link alone on
    standard output.
    """
    base = _url_of_pages()
    text, until = await make_link(desk, SignIns(desk.partners, secret_here(), clock=now), slug, person)
    from gateway.pages.session.view import link_url  # noqa: PLC0415 - imports the pages

    url = link_url(base, text, lang)
    if as_json:
        print_json({"platform": slug, "person": person_of(person), "url": url, "until": utc(until)})
        return
    typer.echo(url)
    ERR.print(
        f"Valid until {utc(until)}, for one session. Transmit it to this person alone, over a channel that you trust.",
    )


@acting()
async def sign_out(desk: Desk, slug: Slug, *, as_json: AsJson = False) -> None:
    """End all sessions of a platform's persons at once. Its credentials and tokens stay."""
    before = await end_sessions(desk, slug)
    if as_json:
        print_json({"platform": slug, "ended": before})
        return
    OUT.print(f"[green]✓[/] {slug}: open sessions ended: {before}.")


def _url_of_pages() -> str:
    """The gateway's public URL, where its pages can keep a session. Raises CommandError."""
    from gateway.pages.base.door import keeps_sessions  # noqa: PLC0415 - imports the pages

    if not settings_here().pages:
        raise CommandError("This gateway has no pages.", step="set PASSERELLE_PAGES to 1, then restart the gateway")
    base = url_here()
    if not keeps_sessions(base):
        raise CommandError(
            f"Browsers keep no session of {base}: it is served without TLS.",
            step="serve the gateway over HTTPS, and set PASSERELLE_PUBLIC_URL to that address",
        )
    return base
