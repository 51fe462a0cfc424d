"""``passerelle push`` on a real embedded log: what it lists, what it does, and what it does not say."""

import json
from pathlib import Path

import pytest

from gateway.cli import partner
from gateway.cli import push as command
from gateway.cli.console import CommandError
from gateway.clock import now
from gateway.log.sqlite import SqliteLog
from gateway.partners import Partners
from gateway.protocol.push import PushRow, begin
from gateway.protocol.push_record import attempt_record, progress_record
from gateway.protocol.subscription import SigningKey, Subscription
from gateway.protocol.topic import COMMON, PUSHES, SUBSCRIPTIONS
from gateway.push.book import SubscriptionBook
from gateway.runtime.loop import run
from tests.cli.test_journal_command import Commands

ONE = Subscription(
    id="a1",
    name="copie",
    url="https://stages.example.org/in?key=s3cret",
    keys=(SigningKey(nonce="00" * 16),),
    consent="11" * 16,
    confirmed=True,
)


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    found = Commands(tmp_path / "data")
    found(partner.app, "add", "bretagne")
    run(_subscribed(found))
    return found


async def _subscribed(commands: Commands) -> None:
    log = await SqliteLog.open(commands.data / "log.sqlite")
    await log.create_topics(COMMON)
    async with Partners(log).caught_up_once() as partners, SubscriptionBook(log).caught_up_once() as book:
        known = partners.get("bretagne")
        assert known is not None
        await book.change("bretagne", known.joined_at, lambda own: own.put(ONE))
        at, partition = now(), book.partition("bretagne")
        progress = begin(ONE, "L@00", ends=(0, 0, 0), now=at)
        await log.append(SUBSCRIPTIONS, partition, [progress_record("bretagne", "copie", progress)])
        await log.append(PUSHES, partition, [attempt_record("bretagne", ONE.id, PushRow(at=at, changes=3, status=503))])
    await log.close()


def test_the_list_has_the_state_and_no_query_of_a_url(commands: Commands) -> None:
    """[PSH-001]"""
    assert "bretagne copie: active · https://stages.example.org/in" in commands(command.app, "list")
    listed = commands(command.app, "list", "bretagne", "--json")
    assert "s3cret" not in listed
    assert ["copie"] == [one["name"] for one in json.loads(listed)["subscriptions"]]
    assert "There is no subscription." in commands(command.app, "list", "normandie")


def test_attempts_are_listed(commands: Commands) -> None:
    """[PSH-012]"""
    assert "503  1 push, 3 changes" in commands(command.app, "attempts", "bretagne", "copie")
    [row] = json.loads(commands(command.app, "attempts", "bretagne", "copie", "--json"))["attempts"]
    assert (503, 3) == (row["status"], row["changes"])
    with pytest.raises(CommandError) as refused:
        commands(command.app, "attempts", "bretagne", "autre")
    assert (
        "passerelle push list bretagne shows them all; passerelle partner list shows the platforms"
        == refused.value.step
    )


def test_a_subscription_is_created_with_filters_and_its_secret_is_printed_once(commands: Commands) -> None:
    """[PSH-001] [PSH-013]"""
    words = ["create", "bretagne", "autre", "--url", "https://stages.example.org/b?key=s3cret", "--max-batch", "4096"]
    words += ["--filter", "region=53,28", "--filter", "level=seconde", "--filter", "bbox=-5.2,47.2,-1.0,48.9"]
    printed = commands(command.app, *words)
    assert "whsec_" in printed
    assert "passerelle push test bretagne autre" in printed
    assert "s3cret" not in printed
    [_, one] = sorted(
        json.loads(commands(command.app, "list", "--json"))["subscriptions"], key=lambda found: found["name"] == "autre"
    )
    filters = {"region": ["28", "53"], "level": ["seconde"], "bbox": [-5.2, 47.2, -1.0, 48.9]}
    assert ("autre", filters, 4_096, "unconfirmed") == tuple(one[x] for x in ("name", "filter", "max_batch", "state"))
    with pytest.raises(CommandError, match="one of this name already"):
        commands(command.app, *words)
    assert "whsec_" not in commands(command.app, *words, "--filter", "territory=all", "--replace")


def test_a_url_is_read_from_standard_input_so_that_no_list_of_processes_has_its_credential(commands: Commands) -> None:
    """[PSH-001]"""
    words = ["create", "bretagne", "autre", "--url", "-"]
    commands(command.app, *words, typed="https://stages.example.org/b?key=s3cret\nmore\n")
    listed = json.loads(commands(command.app, "list", "--json"))["subscriptions"]
    assert "https://stages.example.org/b" in [one["url"] for one in listed]
    with pytest.raises(CommandError, match="url: "):
        commands(command.app, *words, "--replace", typed="")


def test_all_that_is_wrong_with_a_subscription_is_said_at_once(commands: Commands) -> None:
    words = ["create", "bretagne", "Pas-un-nom", "--url", "http://127.0.0.1", "--rate", "0"]
    with pytest.raises(CommandError) as refused:
        commands(command.app, *words, "--filter", "region=999", "--filter", "couleur=bleu", "--filter", "bbox=1")
    for name in ("name", "url", "rate", "region", "couleur", "bbox"):
        assert f"{name}: " in str(refused.value)
    commands(partner.app, "set", "bretagne", "--scope", "offers:publish")
    with pytest.raises(CommandError, match="may not read offers"):
        commands(command.app, "create", "bretagne", "autre", "--url", "https://stages.example.org/b")


def test_what_is_no_platform_or_no_url_is_said(commands: Commands) -> None:
    with pytest.raises(CommandError, match="nulle-part is not a partner") as refused:
        commands(command.app, "test", "nulle-part", "copie")
    assert "passerelle partner list" in (refused.value.step or "")
    with pytest.raises(CommandError, match="url: it does not begin with https://"):
        commands(command.app, "create", "bretagne", "autre", "--url", "stages.example.org/b")
    commands(command.app, "create", "bretagne", "autre", "--url", "https://stages.example.org/b")
    assert "There is no attempt yet." in commands(command.app, "attempts", "bretagne", "autre")


def test_an_act_is_ordered_and_in_the_journal(commands: Commands) -> None:
    assert "whsec_" in commands(command.app, "rotate", "bretagne", "copie", "--reason", "It leaked")
    commands(command.app, "replay", "bretagne", "copie")
    commands(command.app, "test", "bretagne", "copie")
    commands(command.app, "delete", "bretagne", "copie")
    acts = [(entry["act"], entry.get("why")) for entry in commands.listed() if entry["act"].startswith("push.")]
    assert [("push.delete", None), ("push.test", None), ("push.replay", None), ("push.rotate", "It leaked")] == acts
    assert "There is no subscription." in commands(command.app, "list")


@pytest.mark.parametrize(
    ("words", "step"),
    [
        (("skip", "bretagne", "copie"), "passerelle push list bretagne"),
        (("replay", "bretagne", "autre"), "passerelle push list bretagne"),
        (("confirm", "bretagne", "copie", "AAAA"), "passerelle push test bretagne"),
    ],
)
def test_a_refused_act_names_the_next_step(commands: Commands, words: tuple[str, ...], step: str) -> None:
    with pytest.raises(CommandError) as refused:
        commands(command.app, *words)
    assert (refused.value.step or "").startswith(step)
