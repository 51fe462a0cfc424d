"""``GET /.well-known/security.txt`` (RFC 9116): where to report a vulnerability of this gateway, by its settings."""

from dataclasses import dataclass

from aiohttp import hdrs, web

from gateway.api.auth import public
from gateway.clock import Clock
from gateway.protocol.record import utc
from gateway.protocol.topic import DAY_MS

PATH = "/.well-known/security.txt"
_LIFE_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityContact:
    """``contact``: an e-mail address or a URL; ``policy``: the URL of the rules for reports; ``url``: the gateway's."""

    contact: str
    policy: str | None
    url: str

    def text(self, now: int) -> str:
        """The file. Its end is 30 days from the day of ``now``: it holds as long as a gateway is set to answer so."""
        contact = f"mailto:{self.contact}" if "://" not in self.contact else self.contact
        lines = [f"Contact: {contact}", f"Expires: {utc((now // DAY_MS + _LIFE_DAYS) * DAY_MS)}"]
        lines.append("Preferred-Languages: fr, en")
        if self.url.startswith("https://"):
            lines.append(f"Canonical: {self.url.rstrip('/')}{PATH}")
        if self.policy is not None:
            lines.append(f"Policy: {self.policy}")
        return "".join(f"{line}\n" for line in lines)


def security_route(contact: SecurityContact, clock: Clock) -> web.RouteDef:
    """The route that answers with this contact."""

    @public
    async def get_security_txt(_: web.Request) -> web.Response:
        return web.Response(
            text=contact.text(clock()),
            content_type="text/plain",
            charset="utf-8",
            headers={hdrs.CACHE_CONTROL: "public, max-age=3600"},
        )

    return web.get(PATH, get_security_txt)
