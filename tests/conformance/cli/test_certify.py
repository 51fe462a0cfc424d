"""A correct partner runs ``certify`` with a nonce of the operator, and the gateway takes the evidence once."""

import asyncio
import json
import secrets
from contextlib import chdir
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.cli.app import app
from conformance.model.library import cases
from conformance.report.document import check_evidence, evidence_of
from gateway.clock import now
from gateway.protocol.certificate import Nonce, with_nonce, with_used_nonce
from gateway.protocol.evidence import Evidence, judge_evidence
from tests.conformance.partner_fixtures import SECRET, Partner, Publisher, Subscriber, interface, setup_for
from tests.conformance.wrong_partners import Markup, own
from tests.protocol.certified import NONCE, NOW, nonce, replaced, report

pytestmark = pytest.mark.slow


async def certified(made: type[Partner], folder: Path, nonce: str) -> tuple[int, str]:
    """The exit code of ``certify`` in a folder, and the slug of the platform."""
    setup = own(setup_for(made))
    partner = made(f"http://{setup.listen}")
    partner.slug = setup.accounts[setup.role].platform
    async with interface(partner) as control:
        (folder / "conformance.toml").write_text(
            f'role = "{setup.role}"\npatience = 0.5\n[partner]\nlisten = "{setup.listen}"\ncontrol = "{control}"\n'
            f'[accounts.{setup.role}]\nplatform = "{partner.slug}"\nsecret_env = "KIT"\n'
        )
        arguments = ["certify", "evidence.json", "--nonce", nonce]
        with chdir(folder):
            done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"KIT": SECRET})
    return done.exit_code, partner.slug


def issued() -> Nonce:
    at = now()
    return Nonce(text=secrets.token_urlsafe(18), issued_at=at, expires_at=at + 60_000_000)


@pytest.mark.parametrize("made", [Publisher, Subscriber])
async def test_the_evidence_of_a_correct_partner_is_taken_once(made: type[Partner], tmp_path: Path) -> None:
    """CER-004"""
    nonce = issued()
    code, slug = await certified(made, tmp_path, nonce.text)
    document = json.loads((tmp_path / "evidence.json").read_text())
    assert (0, []) == (code, check_evidence(document))
    found = judge_evidence(document, platform=slug, nonces=[nonce], now=now())
    assert isinstance(found, Evidence), found
    used = with_used_nonce(with_nonce((), nonce, now=now()), found.nonce, now=now())
    assert used is not None
    assert isinstance(judge_evidence(document, platform=slug, nonces=used, now=now()), tuple)
    assert with_used_nonce(used, found.nonce, now=now()) is None


async def test_the_evidence_of_a_wrong_partner_is_refused_with_its_case(tmp_path: Path) -> None:
    """CER-004: the cause of the failures comes first, and the cases that were not run are missing."""
    nonce = issued()
    code, slug = await certified(Markup, tmp_path, nonce.text)
    document = json.loads((tmp_path / "evidence.json").read_text())
    found = judge_evidence(document, platform=slug, nonces=[nonce], now=now())
    assert 1 == code
    assert isinstance(found, tuple)
    said = " ".join(each["fr"] for each in found)
    assert "Non réussis : publisher/unavailable" in said
    assert "Des cas manquent" in said


def test_the_profile_full_needs_every_feature_but_how_offers_are_sent() -> None:
    """CER-004: said to the partner as well, before the file is sent."""
    body = {**report(), "conforms": True}
    for off, defects in (["snapshots", "idempotency"], 0), (["withdrawals"], 1), ([], 0):
        played = [case for case in cases() if "publisher" in case.roles]
        assert defects == len(check_evidence(evidence_of(body, platform="x", nonce="n", played=played, off=off)))


def test_a_feature_that_is_declared_absent_and_was_used_is_named_before_the_file_is_sent() -> None:
    """CER-004: ``certify`` says what ``certificate sign`` would refuse."""
    played = [case for case in cases() if "publisher" in case.roles]
    body = evidence_of(
        {**report(), "conforms": True}, platform="x", nonce="n", played=played, off=["snapshots"], used=["snapshots"]
    )
    [said] = check_evidence(body)
    assert all("snapshots" in text and "[features]" in text for text in said.values())


def test_a_publisher_that_uses_keys_only_sometimes_gets_a_certificate() -> None:
    """CER-004, PUB-040: no request of the case about keys had one, others had; snapshots are no such matter."""
    whole = report()
    omitted = replaced(whole, "publisher/request-still-running", "omit")
    sometimes = report(results=omitted, seed=whole["seed"])
    played = [case for case in cases() if "publisher" in case.roles]
    body = evidence_of(sometimes, platform="bretagne", nonce=NONCE, played=played, used=["batch", "idempotency"])
    assert (["idempotency"], ["batch"]) == (body["off"], body["used"])
    assert [] == check_evidence(body)
    assert isinstance(judge_evidence(body, platform="bretagne", nonces=[nonce()], now=NOW, used=["batch"]), Evidence)
    always = evidence_of(whole, platform="bretagne", nonce=NONCE, played=played, used=["idempotency"])
    assert ([], ["idempotency"]) == (always["off"], always["used"])
    declared = evidence_of(
        sometimes, platform="bretagne", nonce=NONCE, played=played, off=["idempotency"], used=["idempotency"]
    )
    assert ["idempotency"] == declared["used"], "declared absent and used: the run fails, and the evidence tells it"
