"""``passerelle keys``: list and rotate the keys that sign this gateway's tokens and certificates."""

from typing import Annotated

import typer
from rich.text import Text

from gateway.bootstrap import signing_key_of
from gateway.cli.console import OUT
from gateway.cli.operating import command_errors, keys_here, partners_here, settings_here
from gateway.cli.render import print_json
from gateway.cli.rows import print_rows
from gateway.clock import now
from gateway.oauth.keys import KeyRing, rotate_signing_key
from gateway.oauth.token import signer_of
from gateway.runtime.loop import run

app = typer.Typer(help="List and rotate the keys that sign tokens and certificates.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command(name="list")
def list_all(*, as_json: AsJson = False) -> None:
    """List the keys by their id in the JWKS: the one that signs, and those that only verify."""
    _print_keys(keys_here(), as_json=as_json)


@app.command()
def rotate(*, as_json: AsJson = False) -> None:
    """Sign with a new key from the next start on.

    An older key still verifies for a day, and until its certificates expire; a later rotation drops it.
    """
    keys_here()
    needed = run(_signers())
    with command_errors():
        ring = rotate_signing_key(signing_key_of(settings_here()), now=now(), needed=needed)
    _print_keys(ring, as_json=as_json)
    if not as_json:
        OUT.print("[green]✓[/] There is a new key. Restart the gateway within a day, all its replicas at once.")


async def _signers() -> frozenset[str]:
    """The ids of keys whose certificates have not expired."""
    async with partners_here() as partners:
        return frozenset(
            signer_of(issued)
            for partner in partners.all()
            for issued in partner.certificates
            if issued.certificate.expires_at > now()
        )


def _print_keys(ring: KeyRing, *, as_json: bool) -> None:
    keys = [(str(key.kid), "signs" if key is ring.signer else "verifies") for key in ring.verifiers]
    if as_json:
        print_json([{"kid": kid, "signs": use == "signs"} for kid, use in keys])
        return
    print_rows(OUT, ("Key", "Use"), [[Text(kid), Text(use)] for kid, use in keys], left=2)
