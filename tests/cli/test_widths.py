"""Output on a terminal loses nothing, however narrow the terminal is; ``serve`` says where it listens."""

import json

import pytest

from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.delivery import Delivery, DeliveryPart, State, delivery_record
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import Failure, SourceRun, run_record
from gateway.protocol.topic import COMMON, DELIVERIES, RUNS
from gateway.settings import Settings
from tests.cli.conftest import Shell
from tests.cli.terminal import Terminal

WIDTHS = (40, 80, 120)
WIDEST = 1_000
TITLES = {"Platform", "Plateforme", "Account", "Key", "Read", "Format"}
"""Heads of first columns, whose cells are titles where a row becomes lines, and of a column that is empty here."""
HOSTS = tuple(f"stages-{n}.a-very-long-host-name-of-a-platform.example" for n in range(6))
LISTINGS = [
    "partner list",
    "partner show bretagne",
    "platform list --lang fr",
    "keys list",
    "national status",
    "audit",
    "validate wrong.json --lang fr",
]


@pytest.fixture
async def filled(shell: Shell) -> Shell:
    """A data folder with something to list everywhere."""
    data = shell.folder / ".data"
    async with open_log(Settings(data=data)) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        for slug in ("bretagne", "grand-est", "occitanie"):
            secret = mint_secret(now=clock.now(), entropy=bytes)
            await partners.save(
                Partner(
                    platform=slug,
                    name=f"La plateforme de la Région {slug.title()}",
                    scopes=frozenset({"offers:publish", "offers:read"}),
                    territory=frozenset({"22", "29", "35", "56", "44", "49", "53", "72", "85"}),
                    hosts=HOSTS if slug == "bretagne" else (),
                    secrets=(secret.kept,),
                )
            )
            failure = Failure(at=2, code="x", fr="Le serveur ne répond pas.", en="The server does not answer.")
            run = SourceRun(platform=slug, started_at=1, ended_at=2, outcome="failed", last_error=failure)
            await log.append(RUNS, partition_of(slug, log.partitions), [run_record(run)])
            states: tuple[State, ...] = ("delivered", "pending", "refused", "withdrawn")
            for number, state in enumerate(states):
                offer_id = f"{slug}:{number}"
                part = DeliveryPart(group="lycee", generation=1, account="a-shared-account", state=state, since=number)
                record = delivery_record(Delivery(id=offer_id, sequence=1, parts=(part,)))
                await log.append(DELIVERIES, partition_of(offer_id, log.partitions), [record])
        await partners.close()
    wrong = {"id": "bretagne:" + "x" * 3, "revision": "one", "levels": ["sixth"], "apply_url": "http://[", "weeks": []}
    (shell.folder / "wrong.json").write_text(json.dumps(wrong))
    terminal = await Terminal.open(shell.folder, shell.environ, "keys", "list", width=80)
    await terminal.close()
    return shell


def _run_together(text: str) -> str:
    """The text without white space and the lines of tables, which a narrow terminal has elsewhere."""
    return "".join(text.translate(dict.fromkeys(map(ord, "─━╶╴·"))).split())


@pytest.mark.parametrize("words", LISTINGS)
async def test_a_listing_loses_nothing_on_a_narrow_terminal(filled: Shell, words: str) -> None:
    output = {}
    for width in (WIDEST, *WIDTHS):
        terminal = await Terminal.open(filled.folder, filled.environ, *words.split(), width=width)
        output[width] = await terminal.ended()
        await terminal.close()
    wanted = sorted({word for word in output[WIDEST].split() if word[0].isalnum()} - TITLES)
    assert len(wanted) > 3
    for width in WIDTHS:
        narrow = _run_together(output[width])
        missing = [word for word in wanted if _run_together(word).rstrip(":") not in narrow and not _varies(word)]
        assert (width, []) == (width, missing), output[width]
        assert "…" not in output[width]


def _varies(word: str) -> bool:
    """Ages, sizes and times, which differ from one run to the next."""
    return any(character.isdigit() for character in word) and not word.startswith("stages-")


async def test_serve_prints_its_address_and_the_next_step_on_a_terminal(shell: Shell) -> None:
    ports = {"PASSERELLE_PORT": "0", "PASSERELLE_MANAGEMENT_PORT": "0", "PASSERELLE_LOG_LEVEL": "error"}
    terminal = await Terminal.open(shell.folder, {**shell.environ, **ports}, "serve", width=80)
    output = await terminal.until("passerelle doctor")
    assert "Listening on http://127.0.0.1:" in output
    assert "management on http://127.0.0.1:" in output
    assert "passerelle partner add SLUG" in output
    terminal.interrupt()
    assert 0 == await terminal.close()
