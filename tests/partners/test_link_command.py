"""``passerelle partner link`` and ``sign-out`` on an embedded log."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.bootstrap.log import open_log
from gateway.cli.console import CommandError
from gateway.clock import now
from gateway.partners import Partners
from gateway.partners.session import SignInError
from gateway.partners.sign_in import SignIns
from gateway.runtime.keys import load_secret
from gateway.runtime.loop import run
from gateway.settings import Settings
from tests.partners.test_command import Shell

PERSON = "Personne d’essai"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path / "data")
    shell("add", "bretagne")
    return shell


async def begin(data: Path, url: str) -> str:
    """Begin the session of a link as a gateway with this folder does; returns the platform."""
    async with open_log(Settings(data=data)) as log, Partners(log).caught_up_once() as partners:
        secret = load_secret(None, folder=data)
        signed = await SignIns(partners, secret, clock=now).begin(parse_qs(urlsplit(url).query)["link"][0])
        return signed.partner.platform


def test_a_link_begins_one_session_of_its_platform(shell: Shell) -> None:
    url = shell("link", "bretagne", "--person", PERSON).strip()
    assert url.startswith("http://127.0.0.1:8080/connexion?link=")
    assert "bretagne" == run(begin(shell.data, url))
    with pytest.raises(SignInError, match="link-used"):
        run(begin(shell.data, url))
    assert "1" in shell("show", "bretagne").partition("Open sessions")[2].partition("\n")[0]
    assert {"platform": "bretagne", "ended": 1} == shell.json("sign-out", "bretagne")
    assert {"platform": "bretagne", "ended": 0} == shell.json("sign-out", "bretagne")


def test_a_link_is_for_the_language_of_its_person(shell: Shell) -> None:
    document = shell.json("link", "bretagne", "--person", PERSON, "--lang", "en")
    assert {"platform", "person", "url", "until"} == set(document)
    assert "/en/enter?link=" in document["url"]


def test_a_link_that_could_not_be_used_is_not_made(shell: Shell) -> None:
    def refused(*words: str) -> CommandError:
        return shell.error("link", *words)

    assert "not a partner" in str(refused("normandie", "--person", PERSON))
    assert "printable" in str(refused("bretagne", "--person", " "))
    shell("revoke", "bretagne")
    assert "was revoked" in str(refused("bretagne", "--person", PERSON))
