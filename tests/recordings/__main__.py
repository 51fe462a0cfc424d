"""Record every topic of a federation at work: ``python -m tests.recordings`` (real Kafka; about a minute).

A recording is made by the version before a change of the code's structure and stays: ``test_recorded_topics.py`` reads
it with the present code and reproduces it. It is the demo's federation (every channel, the national site in both
directions, a kill -9), and operations that the demo leaves out: moderation, its end, a request under an idempotency
key, a stale revision, a certificate, a partner that is revoked. Secrets in it are those of this one run.
"""

import argparse
import asyncio
import subprocess
import sys
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import structlog

from demo.client import NDJSON
from demo.federation import DemoFederation, open_federation
from demo.scenario import DemoScenario
from demo.subscriber import VISITOR
from gateway.partners import Partners
from gateway.protocol.partner import Partner
from gateway.protocol.topic import FEED, INBOX
from tests.recordings.recording import DATA, TOPICS, Recording, read_topics

_OFFERS = 180
_NATIVE = "grand-est"
_SETTLE_SECONDS = 4.0
"""Between two requests, so that relay and connector have answered the one before."""


class _Silent:
    def begin(self, phase: str) -> None:
        sys.stdout.write(f"== {phase}\n")

    def say(self, sentence: str) -> None:
        """The demo's output is not needed."""


async def main(folder: Path) -> None:
    async with open_federation(kafka=True, seed=7) as federation:
        scenario = DemoScenario(federation, _OFFERS, _Silent())
        await scenario.prepare()
        sent: dict[str, list[Any]] = {region.slug: list(region.documents.values()) for region in federation.regions}
        async with federation.following():
            await scenario.play()
            if scenario.differences:
                raise SystemExit(f"the federation does not balance: {scenario.differences}")
            await _more(federation)
        for region in federation.regions:
            sent[region.slug].extend(one for one in region.documents.values() if one not in sent[region.slug])
        topics = await read_topics(federation.log, (*TOPICS, INBOX + _NATIVE, FEED + _NATIVE))
        about = {
            "commit": _commit(),
            "log": "kafka",
            "partitions": federation.log.partitions,
            "secret": federation.settings.secret,
            "on": federation.today().isoformat(),
        }
        Recording(about, topics, sent).write(folder)
    counts = {name: sum(map(len, partitions)) for name, partitions in topics.items()}
    sys.stdout.write(orjson.dumps(counts, option=orjson.OPT_INDENT_2).decode() + "\n")


def _revoke(partner: Partner | None) -> Partner:
    assert partner is not None
    return replace(partner, revoked=True)


async def _more(federation: DemoFederation) -> None:
    """Operations that the demo leaves out."""
    visitor, region = federation.clients[VISITOR], federation.region("bourgogne-franche-comte")
    for action in ("moderate", "lift"):
        path = f"/v1/offers/{region.live[0]}/moderation"
        answer = await visitor.call("POST", path, body=orjson.dumps({"action": action}))
        if answer.status != HTTPStatus.ACCEPTED:
            raise SystemExit(f"{path}: {answer.status} {answer.body}")
        await asyncio.sleep(_SETTLE_SECONDS)
    document = region.documents[region.live[0]]
    for revision in (document["revision"] + 1, document["revision"], document["revision"] - 1):
        body = orjson.dumps({**document, "revision": revision})
        await region.client.call("PUT", f"/v1/offers/{document['id']}", body=body)
        await asyncio.sleep(_SETTLE_SECONDS)
    region.documents[document["id"]] = {**document, "revision": document["revision"] + 1}
    lines = b"\n".join(map(orjson.dumps, list(region.documents.values())[:3]))
    for _ in range(2):
        await region.client.call(
            "POST", "/v1/offers/batch", body=lines, media_type=NDJSON, headers={"Idempotency-Key": "recorded-request"}
        )
    partners = Partners(federation.log)
    await partners.catch_up()
    try:
        await partners.change(VISITOR, _revoke)
    finally:
        await partners.close()
    await asyncio.sleep(_SETTLE_SECONDS)


def _commit() -> str:
    return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=DATA)
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    asyncio.run(main(parser.parse_args().folder))
