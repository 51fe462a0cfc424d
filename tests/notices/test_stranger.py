"""A stranger's whole way in Chromium: from an unseen feed to its offers, through a mail, an operator and a pull."""

import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab

from demo.mailbox import certified, serving_smtp
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.pages.session.view import LINK
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.topic import COMMON
from gateway.settings import Settings
from tests.browser.chromium import chromium, violations, window
from tests.faults.process import GatewayProcess
from tests.notices.feed import REFUSED, FeedHost, feed, feed_host
from tests.notices.relay import SENDER, Mailbox
from tests.pages.signing import OPERATOR, link_of
from tests.server_thread import served_in_thread

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECRET = "a secret of the gateway that a stranger finds"  # of tests
ADDRESS = "jeunesse@ville.example"
NAME = "Stages de la ville"
SLUG = "ville"
SECONDS = 90.0
"""The sender of mails looks every 15 s."""
READABLE = 3


@dataclass
class Town:
    """A gateway in a process of its own, its mail relay, and the host of the stranger's feed."""

    folder: Path
    box: Mailbox = field(default_factory=Mailbox)
    host: FeedHost | None = None

    def serve(self) -> AbstractAsyncContextManager[str]:
        return self._serve()

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[str]:
        context, authority = certified(self.folder)
        data = self.folder / "data"
        async with open_log(Settings(data=data, secret=SECRET)) as log:
            await log.create_topics(COMMON)
            partners = Partners(log)
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            await partners.save(replace(OPERATOR, secrets=(secret.kept,)))
            await partners.close()
        async with serving_smtp(self.box, context) as port, feed_host() as self.host:
            settings = {
                "PASSERELLE_SECRET": SECRET,
                "PASSERELLE_LOOPBACK_FEEDS": "1",
                "PASSERELLE_SMTP": f"smtp://127.0.0.1:{port}",
                "PASSERELLE_SMTP_FROM": SENDER,
                "SSL_CERT_FILE": str(authority),
            }
            gateway = GatewayProcess("town", data, settings, interpreter=True, public=True)
            await gateway.start()
            try:
                await gateway.ready()
                yield gateway.url
            finally:
                await gateway.stop()

    def link(self, number: int, path: str) -> str:
        """The address with this path in the mail of this number, once it has come."""
        wait(lambda: len(self.box.taken) >= number)
        found = re.search(rf"https?://\S+{path}\?\S+", self.box.text(number - 1))
        assert found is not None, self.box.text(number - 1)
        return found[0]


def wait(holds: Callable[[], object]) -> None:
    """Wait for a condition."""
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.2)


def press(tab: Tab, selector: str) -> None:
    """Press a button that leads to another page."""
    with tab.expect_navigation():
        tab.click(selector)


def test_a_stranger_connects_an_unseen_feed_without_a_developer(tmp_path: Path) -> None:
    town = Town(tmp_path)
    with (
        served_in_thread(town.serve) as url,
        chromium() as browser,
        window(browser) as (stranger, complaints),
        window(browser) as (operator, others),
    ):
        assert town.host is not None
        send(stranger, url, town.host.url, tmp_path)
        assert 0 == town.host.asked
        stranger.goto(town.link(1, "/brancher/demande"))
        press(stranger, "main button.main")
        assert "L’exploitant la voit" in stranger.inner_text("main")

        operator.goto(f"{url}/connexion?{LINK}={link_of(SECRET, OPERATOR.platform)}")
        press(operator, "main button.main")
        operator.goto(f"{url}/exploitation/demandes")
        assert all(text in operator.inner_text("main") for text in (NAME, "ville.example", "127.0.0.1", "non vérifiée"))
        press(operator, f"main a:has-text('{NAME}')")
        press(operator, "form:has(input[value=try]) button")
        tried = operator.inner_text("main")
        assert all(text in tried for text in ("Découvrir un atelier de reliure", REFUSED, "affichés qu’une fois"))
        assert [str(READABLE), "1"] == [operator.locator("dl.facts b").nth(n).inner_text() for n in (0, 2)]
        assert [] == violations(operator)
        assert [] == violations(operator, seen=True)
        operator.fill("#slug", SLUG)
        press(operator, "form:has(input[value=approve]) button")
        assert "La plateforme participe" in operator.inner_text("main")

        stranger.goto(town.link(2, "/connexion"))
        press(stranger, "main button.main")
        wait(lambda: "Découvrir un atelier de reliure" in offers(stranger, url))
        assert READABLE == len(set(re.findall(rf"{SLUG}:V-\d", offers(stranger, url))))
        assert [] == [*complaints, *others]
        assert 2 == len(town.box.taken)


def send(tab: Tab, url: str, address: str, folder: Path) -> None:
    """From a sample to a request that is on its way."""
    sample = folder / "offres.xml"
    sample.write_bytes(feed())
    tab.goto(f"{url}/brancher")
    tab.set_input_files("input[name=sample]", str(sample))
    press(tab, "button[value=open]")
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.fill("[name='other.title']", "presentation/intitule")
    tab.fill("[name='other.description']", "presentation/resume")
    tab.fill("[name='last.weeks']", "accueil/au")
    tab.fill("[name='named.0']", "Hôtellerie, restauration")
    press(tab, "button.main[value=study]")
    assert f"{READABLE} offres sur 4 seraient publiées" in tab.inner_text("main")
    tab.fill("[name='request.name']", NAME)
    tab.fill("[name='request.feed']", address)
    tab.fill("[name='request.mail']", ADDRESS)
    press(tab, "button[value=send]")
    assert f"en route vers {ADDRESS}" in tab.inner_text("main")


def offers(tab: Tab, url: str) -> str:
    """The offers of the person's platform."""
    tab.goto(f"{url}/plateforme/offres")
    return tab.content()
