"""Sign-in for tests: links sealed with a gateway's secret, sessions begun in the test's process or over HTTP."""

import http.client
import os
from urllib.parse import urlencode, urlsplit

from gateway.clock import now
from gateway.federation import Federation
from gateway.pages.base.door import COOKIE
from gateway.pages.session.view import ENTER, LINK
from gateway.partners.session import close_link, new_link
from gateway.protocol.partner import Partner
from gateway.protocol.seal import Seal

SIGNED = Partner(platform="occitanie", name="Occitanie", scopes=frozenset({"offers:publish", "offers:read"}))
"""Whose session the client of a gateway in the test's process has."""
OPERATOR = Partner(platform="exploitation", name="Exploitation", scopes=frozenset({"operate"}))
"""Whose persons come to the pages of the operator."""
PERSON = "Personne d’essai"


async def cookie_of(federation: Federation, platform: str, *, person: str = PERSON) -> str:
    """A new session of a platform, as the header ``Cookie``."""
    partner = federation.partners.get(platform)
    assert partner is not None
    sign_ins = federation.sign_ins
    text, _ = sign_ins.link(partner, person)
    return f"{COOKIE}={sign_ins.cookie(await sign_ins.begin(text))}"


def link_of(secret: str, platform: str) -> str:
    """A link of a gateway with this secret, for a platform whose credentials were never ended."""
    partner = Partner(platform=platform, name=platform, scopes=frozenset())
    link = new_link(partner, PERSON, now=now(), entropy=os.urandom)
    return close_link(link, Seal(secret.encode(), purpose="sign-in link"))


def sign_in(address: str, secret: str, platform: str) -> str:
    """The value of the cookie of a new session, begun as a browser does."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        body = urlencode({LINK: link_of(secret, platform)})
        headers = {"Origin": address, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", ENTER["fr"], body, headers)
        answer = connection.getresponse()
        answer.read()
        header = answer.getheader("Set-Cookie") or ""
    finally:
        connection.close()
    assert (303, COOKIE) == (answer.status, header.partition("=")[0])
    return header.partition("=")[2].partition(";")[0]
