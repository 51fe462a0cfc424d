"""A thousand facts over three replicas on Kafka, whose processes are killed, as is the mail relay's ([ADR 0037])."""

import asyncio
import os
import random
import secrets
import sys
from asyncio.subprocess import Process
from collections import Counter
from pathlib import Path

import pytest

from demo.broker import free_ports
from demo.mailbox import certified
from demo.process import FastTime
from demo.tether import tether, tethered
from gateway.bootstrap.log import open_log
from gateway.log.mirror import fold_topic
from gateway.notices.notice import Ledger, fold_notices
from gateway.oauth.keys import KeyRing
from gateway.protocol.contact import PARTITION, Contact, contact_record
from gateway.protocol.topic import COMMON, CONTACTS, NOTICES
from gateway.settings import Settings
from tests.notices.replica import contact_ids, events

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(400)]

SPEED = 60.0
"""A copy's deadline of five minutes passes in five seconds, a hundred times as long as an exchange with the relay."""
SECONDS = 300
STEP = 15
"""A process is killed after so many mails."""


class Processes:
    """The processes of a test by name, each with its command."""

    def __init__(self, environ: dict[str, str], commands: dict[str, list[str]]) -> None:
        self._environ = {**os.environ, **environ}
        self._commands = commands
        self._running: dict[str, Process] = {}

    async def start(self, name: str) -> None:
        """Start one."""
        command = tethered([sys.executable, "-m", "tests.notices.replica", *self._commands[name]])
        self._running[name] = await asyncio.create_subprocess_exec(
            *command, env=self._environ, stdout=asyncio.subprocess.DEVNULL, pass_fds=tether()
        )

    async def kill(self, *names: str) -> None:
        """Kill some (SIGKILL), which had not ended by themselves."""
        for name in names:
            process = self._running.pop(name)
            assert process.returncode is None, name
            process.kill()
            await process.wait()


async def test_each_of_a_thousand_facts_arrives_and_none_more_than_twice(kafka_servers: str, tmp_path: Path) -> None:
    _, authority = certified(tmp_path)
    taken, chance, time = tmp_path / "taken", random.Random(11), FastTime(SPEED)
    taken.touch()
    KeyRing.open(tmp_path / "signing.pem")
    environ = {
        "PASSERELLE_DATA": str(tmp_path / "data"),
        "PASSERELLE_SECRET": "a secret of thirty-two bytes or so",
        "PASSERELLE_KAFKA": kafka_servers,
        "PASSERELLE_KAFKA_PREFIX": f"notices-{secrets.token_hex(4)}",
        "PASSERELLE_SIGNING_KEY": str(tmp_path / "signing.pem"),
    }
    [port] = map(str, free_ports(1))
    replicas = [f"replica {number}" for number in range(3)]
    commands = {name: ["send", port, str(authority), *time.words()] for name in replicas}
    processes = Processes(environ, {**commands, "relay": ["serve", port, str(tmp_path)]})
    async with open_log(Settings.from_env(environ)) as log:
        await log.create_topics(COMMON)
        at = time.clock()
        people = [
            Contact(
                id=one,
                platform="bretagne",
                address=f"{one}@bretagne.example",
                name="Contact",
                language="fr",
                asked_at=at,
                confirmed_at=at,
            )
            for one in contact_ids()
        ]
        await log.append(CONTACTS, PARTITION, [contact_record(one) for one in people])
        for name in ("relay", *replicas):
            await processes.start(name)
        kills, seen = Counter[str](), 0
        async with asyncio.timeout(SECONDS):
            while True:
                number = len(taken.read_text().splitlines())
                if number >= seen + STEP:
                    seen = number
                    killed = chance.choice([["relay"], [chance.choice(replicas)], replicas])
                    await processes.kill(*killed)
                    kills.update(killed)
                    for name in killed:
                        await processes.start(name)
                notices = (await fold_topic(log, NOTICES, fold_notices, Ledger())).notices
                if len(notices) == len(events()) and not any(one.open for one in notices.values()):
                    break
                await asyncio.sleep(0.1)
        await processes.kill("relay", *replicas)
    copies = Counter(line.partition("@")[0].strip("<") for line in taken.read_text().splitlines())
    assert {one.id for one in events()} == notices.keys()
    assert {"relay", *replicas} == kills.keys()
    assert max(copies.values()) <= 2
    states = Counter(one.state for one in notices.values())
    assert [] == [one for one in notices.values() if one.state == "sent" and not copies[one.mail or ""]]
    assert states["sent"] + states["unknown"] == len(events())
    assert 0 == sum(not copies[one.mail or ""] for one in notices.values()), states
    sys.stderr.write(
        f"{sum(copies.values())} mails for {len(events())} facts, kills {dict(kills)}, states {dict(states)}\n"
    )
