"""Printed hints: commands to paste into another terminal while the demo runs."""

import shutil
import sys
from pathlib import Path
from shlex import quote

from gateway.demo.federation import Federation
from gateway.demo.subscriber import VISITOR

_ASK = (
    'TOKEN=$(curl -s "$PASSERELLE_URL/oauth/token" -u "$PASSERELLE_CLIENT_ID:$PASSERELLE_CLIENT_SECRET" '
    """-d grant_type=client_credentials | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')"""
)
_HEADER = '-H "Authorization: Bearer $TOKEN"'
_JSON = "-H 'Content-Type: application/json'"
_WRONG = """{"id":"visitor:1","revision":1,"titel":"Essai","weeks":["2027-W9"]}"""


def hints(world: Federation) -> str:
    """URLs and commands, with rich markup. The visitor's credentials go to a file of their own, not to the output."""
    environ = world.folder / "visitor.env"
    environ.touch(0o600)
    environ.write_text(
        f"export PASSERELLE_URL={world.gateway.url}\n"
        f"export PASSERELLE_CLIENT_ID={VISITOR}\n"
        f"export PASSERELLE_CLIENT_SECRET={world.credentials[VISITOR]}\n"
    )
    pretty = f"| {_escaped(quote(sys.executable))} -m json.tool --no-ensure-ascii"
    lines = (
        "",
        f"[bold]The gateway goes on at {world.gateway.url}[/]",
        f"[bold]The national site (simulated) shows its offers at {world.site.simulator.url}/[/]",
        "",
        "Paste these into another terminal:",
        f"  . {environ}",
        f"  {_escaped(command(sys.argv[0]))} status",
        "  [dim]# how every platform does[/]",
        f"  {_escaped(_ASK)}",
        f'  curl -s {_HEADER} "$PASSERELLE_URL/v1/changes?limit=1" {pretty}',
        "  [dim]# what subscribers get[/]",
        f"  curl -s -X PUT {_HEADER} {_JSON} -d '{_escaped(_WRONG)}' \"$PASSERELLE_URL/v1/offers/visitor:1\" {pretty}",
        "  [dim]# what a publisher is told about a wrong offer[/]",
        "",
        "Ctrl-C ends the demo, with a last balance.",
        "",
    )
    return "\n".join(lines)


def command(started: str) -> str:
    """The command ``passerelle`` for another terminal: by name where it is on PATH, else the absolute path of
    ``started``.
    """
    return "passerelle" if shutil.which("passerelle") else quote(str(Path(started).absolute()))


def _escaped(text: str) -> str:
    """The text with square brackets escaped for rich markup."""
    return text.replace("[", "\\[")
