"""What ``publish`` and ``snapshot`` print about refusals."""

import re
from datetime import date
from typing import Any

import orjson
import pytest
import typer

from demo.generator import GeneratedOffer, generate
from gateway.cli.document import FileDocument
from gateway.cli.problems import DocumentProblem
from gateway.cli.tally import conclude, findings
from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from passerelle_client import Outcome, Summary
from tests.cli.conftest import RunningGateway
from tests.revision import revised


def good(count: int) -> list[GeneratedOffer]:
    return list(generate(6, "bretagne", count, date.fromisoformat(paris_date(now())), wrong=0.0))


def wrong(offer: GeneratedOffer, **other: Any) -> bytes:
    return orjson.dumps({**orjson.loads(offer.raw), **other})


async def test_refusals_are_grouped_by_rule_with_count_lines_and_remedy(running_gateway: RunningGateway) -> None:
    """PUB-017: one row that counts a mistake replaces a hundred rows."""
    file = running_gateway.shell.folder / "offers.ndjson"
    offers = good(130)
    lines = [wrong(offer, sector="s99") for offer in offers[:120]] + [wrong(offers[120], seats=0)]
    file.write_bytes(b"\n".join([*lines, *(offer.raw for offer in offers[121:])]))
    ended = await running_gateway.shell("publish", file, "--lang", "en")
    assert (1, True) == (ended.code, "130 document(s): 9 accepted, 121 refused\n" in ended.output), ended.output
    groups = ended.output.partition("Rule and lines")[2]
    assert re.search(r"^ +120 +error not-in-list +", groups, re.MULTILINE), ended.output
    assert "1, 2, 3 …" in groups
    assert "→" in groups
    french = await running_gateway.shell("publish", file)
    assert "Règle et lignes" in french.output


async def test_a_snapshot_reports_refused_and_rejected_offers(
    running_gateway: RunningGateway,
) -> None:
    """PUB-018: a reused revision that the relay rejects is reported like a refused line, and the exit code is 1."""
    file = running_gateway.shell.folder / "offers.ndjson"
    offers = good(6)
    file.write_bytes(b"\n".join(revised(offer, 5).raw for offer in offers))
    assert (await running_gateway.shell("snapshot", file)).code == 0
    reused = [wrong(revised(offer, 5), title="Une autre découverte") for offer in offers[:2]]
    file.write_bytes(
        b"\n".join([*reused, wrong(offers[2], sector="s99"), *(revised(one, 6).raw for one in offers[3:])])
    )
    ended = await running_gateway.shell("snapshot", file, "--lang", "en")
    assert ended.code == 1, ended.errors
    assert "6 document(s): 3 accepted, 3 refused; 0 absent offer(s) withdrawn\n" in ended.output
    groups = ended.output.partition("Rule and lines")[2]
    assert re.search(r"^ +2 +error revision-reused +", groups, re.MULTILINE), ended.output
    assert re.search(r"^ +1 +error not-in-list +", groups, re.MULTILINE), ended.output


def test_a_receipt_without_an_index_is_found_by_its_offer(capsys: pytest.CaptureFixture[str]) -> None:
    """PUB-016: an answer names the receipts of the first items only."""
    documents = [FileDocument(number, b'{"id":"bretagne:%d"}' % number) for number in (11, 12, 13)]
    problem = {"code": "older-revision", "severity": "error", "pointer": "", "message": "m", "fix": "f"}
    summary = Summary()
    for verdict, offer_id in (("accepted", "bretagne:12"), ("stale", "bretagne:13")):
        summary.add(Outcome(verdict=verdict, id=offer_id, problems=[problem] if verdict == "stale" else []))
    assert [DocumentProblem(13, "bretagne:13", problem)] == findings(summary, documents)
    with pytest.raises(typer.Exit):
        conclude(summary, documents, "en")
    assert "2 document(s): 1 accepted, 1 stale\n" in capsys.readouterr().out
