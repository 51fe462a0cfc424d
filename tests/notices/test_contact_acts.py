"""The operator's acts on contacts: over the API, held to its contract, and by commands; the journal has ids only."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import contact, partner
from gateway.cli.console import CommandError
from gateway.log.memory import MemoryLog
from gateway.notices.acts import add_contact, change_contact
from gateway.notices.contacts import ContactBook
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.journal import Journal
from gateway.partners import Partners
from gateway.protocol.contact import Contact
from gateway.protocol.journal import Actor
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON, JOURNAL
from tests.clock import ManualClock
from tests.harness import SECRET, records_of

ADDRESS = "essai@example.org"
BRETAGNE = Partner(platform="bretagne", name="IDÉO", scopes=frozenset({"offers:read"}))


async def desk_of(log: MemoryLog, clock: ManualClock) -> tuple[Desk, ContactBook]:
    await log.create_topics(COMMON)
    partners = Partners(log, clock=clock)
    await partners.save(BRETAGNE)
    await partners.save(replace(BRETAGNE, platform="gone", revoked=True))
    journal = Journal(log, secret=SECRET, clock=clock)
    desk = Desk(log=log, partners=partners, journal=journal, actor=Actor(name="Nom d’essai"), clock=clock)
    return desk, ContactBook(log, secret=SECRET, clock=clock)


async def added(desk: Desk, book: ContactBook, slug: str = "bretagne", **changes: Any) -> Contact:
    wish: dict[str, Any] = {"address": ADDRESS, "name": "Personne", "language": "fr", "mails": True, **changes}
    return await add_contact(desk, book, slug, **wish)


async def test_each_act_is_an_entry_with_the_id_and_without_the_address() -> None:
    clock = ManualClock()
    desk, book = await desk_of(log := MemoryLog(clock=clock), clock)
    made = await added(desk, book)
    await change_contact(desk, book, "bretagne", made.id, "choose", {"refusals": "never"})
    assert {"refusals": "never"} == book.get(made.id).choices
    await change_contact(desk, book, "bretagne", made.id, "stop")
    assert "left" == book.get(made.id).stopped
    await change_contact(desk, book, "bretagne", made.id, "erase")
    assert [] == book.of("bretagne")
    entries = await records_of(log, JOURNAL)
    assert 4 == len(entries)
    assert all(made.id.encode() in (one.value or b"") for one in entries)
    assert b"example.org" not in b"".join(one.value or b"" for one in entries)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"slug": "nobody"}, "unknown"),
        ({"slug": "gone"}, "revoked"),
        ({"address": "no address"}, "contact-refused"),
        ({"name": " "}, "contact-refused"),
        ({"mails": False}, "contact-refused"),
    ],
)
async def test_what_is_refused_is_no_act(changes: dict[str, Any], refusal: str) -> None:
    clock = ManualClock()
    desk, book = await desk_of(log := MemoryLog(clock=clock), clock)
    with pytest.raises(RefusedActError) as caught:
        await added(desk, book, **changes)
    assert refusal == caught.value.refusal
    with pytest.raises(RefusedActError):
        await change_contact(desk, book, "bretagne", "nobody", "erase")
    made = await added(desk, book)
    for slug, choices in (("gone", {}), ("bretagne", {"wrong": "now"}), ("bretagne", {"ends": "wrong"})):
        with pytest.raises(RefusedActError):
            await change_contact(desk, book, slug, made.id, "choose", choices)  # type: ignore[arg-type]  # wrong ones
    assert 1 == len(await records_of(log, JOURNAL))


MAIL = {
    "PASSERELLE_SMTP": "smtp://relay.example",
    "PASSERELLE_SMTP_FROM": "avis@region.example",
    "PASSERELLE_PUBLIC_URL": "https://region.example",
}


def test_commands_add_list_choose_stop_and_erase(tmp_path: Path) -> None:
    environ = {"PASSERELLE_DATA": str(tmp_path / "data"), "PASSERELLE_KAFKA": None, "COLUMNS": "200"}
    runner = CliRunner(env=environ)
    assert 0 == runner.invoke(partner.app, ["add", "bretagne"]).exit_code
    wish = ["add", "bretagne", "--address", ADDRESS, "--name", "Personne", "--by", "Nom d’essai"]
    refused = runner.invoke(contact.app, wish).exception
    assert "sends no mails" in str(refused)
    runner = CliRunner(env={**environ, **MAIL})

    def run(*words: str) -> str:
        result = runner.invoke(contact.app, list(words))
        assert result.exception is None, result.exception
        text: str = result.stdout
        return text

    run(*wish)
    [one] = json.loads(run("list", "bretagne", "--json"))["contacts"]
    assert (ADDRESS, "daily") == (one["address"], one["choices"]["refusals"])
    run("choose", "bretagne", one["id"], "--notice", "refusals=never", "--by", "Nom d’essai")
    run("stop", "bretagne", one["id"], "--by", "Nom d’essai")
    assert "stopped: left" in run("list", "bretagne")
    run("erase", "bretagne", one["id"], "--by", "Nom d’essai")
    assert {"contacts": []} == json.loads(run("list", "bretagne", "--json"))
    for words in (["stop", "bretagne", "x"], ["choose", "bretagne", "x", "--notice", "ends=wrong"]):
        assert isinstance(runner.invoke(contact.app, [*words, "--by", "Nom d’essai"]).exception, CommandError)
