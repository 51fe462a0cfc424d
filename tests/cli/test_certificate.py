"""Certificates and signing keys, as an operator and a verifier use them, with a real gateway."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo.broker import free_ports
from demo.generator import generate
from gateway.bootstrap.gateway import running
from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import utc
from gateway.settings import Settings
from schemas.kit_cases import seed_of
from tests.cli.conftest import Shell
from tests.protocol.certified import VERSIONS, evidence, replaced, report


def fresh(nonce: str, **more: Any) -> dict[str, Any]:
    """Evidence of a run that has just ended, made with this nonce."""
    seed = seed_of(nonce, platform="bretagne", role="publisher")
    values = {"began": utc(now() - 120_000), "milliseconds": 60_000, "seed": seed, **more}
    return evidence(report(**values), nonce=nonce)


async def nonce_of(shell: Shell, platform: str = "bretagne") -> str:
    """A nonce as the operator issues it: alone on standard output."""
    issued = await shell("certificate", "nonce", platform)
    assert (0, 1) == (issued.code, len(issued.output.split())), issued.errors
    assert issued.output.strip() in issued.errors, "the command for the platform"
    return issued.output.strip()


async def fresh_file(shell: Shell, name: str = "evidence.json") -> Path:
    """Good evidence as a file, with a nonce of its own."""
    return write(shell.folder, fresh(await nonce_of(shell)), name)


def write(folder: Path, document: object, name: str = "evidence.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def settings_of(shell: Shell) -> Settings:
    """The signing keys of this shell's gateway."""
    port = int(shell.environ["PASSERELLE_PORT"])
    return Settings(data=shell.folder / "data", port=port, management_port=0, log_level="warning")


def url_of(shell: Shell) -> str:
    """Where its partners find it."""
    return f"http://127.0.0.1:{shell.environ['PASSERELLE_PORT']}"


@pytest.fixture
async def operator(shell: Shell) -> Shell:
    """A shell whose gateway has the platform Bretagne."""
    environ = {**shell.environ, "PASSERELLE_PORT": str(*free_ports(1)), "PASSERELLE_DATA": "data"}
    known = replace(shell, environ=environ)
    added = await known("partner", "add", "bretagne", "--json")
    assert added.code == 0, added.errors
    return known


async def test_evidence_becomes_a_certificate_that_is_kept_listed_and_proved(operator: Shell) -> None:
    """[CER-004] [CER-002]."""
    document = fresh(await nonce_of(operator))
    signed = await operator("certificate", "sign", write(operator.folder, document), "--out", "b.jws", "--days", "90")
    assert (0, True) == (signed.code, "bretagne is certified as publisher (full)" in signed.errors), signed.errors
    assert "" == signed.output
    proved = await operator("certificate", "verify", "b.jws", "--json")
    statement = json.loads(proved.output)
    assert (0, document["digest"], url_of(operator), VERSIONS, 90 * 86_400) == (
        proved.code,
        statement["evidence"],
        statement["iss"],
        statement["versions"],
        statement["exp"] - statement["iat"],
    )
    until = utc(statement["exp"] * 1000)
    kept = json.loads((await operator("partner", "show", "bretagne", "--json")).output)["certificates"]
    listed = {"role": "publisher", "profile": "full", "expires_at": until, "basis": "own-word"}
    assert [{"id": statement["jti"], **listed}] == kept
    assert f"until {until[:10]}" in (await operator("partner", "list")).output


async def test_a_partner_proves_a_certificate_with_nothing_but_the_published_keys(
    operator: Shell, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """[CER-002]: from the address of a running gateway, and from a file, offline."""
    await operator("certificate", "sign", await fresh_file(operator), "--out", "b.jws")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    partner = replace(operator, folder=elsewhere, environ={**operator.environ, "PASSERELLE_DATA": str(elsewhere / "d")})
    text = (operator.folder / "b.jws").read_text()
    (elsewhere / "b.jws").write_text(text)
    lost = await partner("certificate", "verify", "b.jws")
    assert (2, True) == (lost.code, "--jwks https://" in lost.errors)
    assert not (elsewhere / "d").exists()
    async with running(settings_of(operator)) as gateway, aiohttp.ClientSession() as session:
        address = f"{gateway.url}/oauth/jwks.json"
        fetched = await partner("certificate", "verify", "b.jws", "--jwks", address)
        assert (0, True) == (fetched.code, url_of(operator) in fetched.output), fetched.errors
        async with session.get(address) as response:
            (elsewhere / "jwks.json").write_bytes(await response.read())
        wrong = await partner("certificate", "verify", "b.jws", "--jwks", f"{gateway.url}/nowhere")
        assert (2, True) == (wrong.code, "answered 404" in wrong.errors)
    proved = await partner("certificate", "verify", "b.jws", "--jwks", "jwks.json")
    assert (0, True) == (proved.code, url_of(operator) in proved.output), proved.errors
    head, body, signature = text.strip().split(".")
    (elsewhere / "b.jws").write_text(f"{head}.{body}.{signature[::-1]}")
    forged = await partner("certificate", "verify", "b.jws", "--jwks", "jwks.json")
    assert (1, True) == (forged.code, "no known key proves the signature" in forged.errors)


async def test_evidence_that_is_not_good_enough_is_refused_with_all_that_is_wrong(operator: Shell) -> None:
    """[CER-004]: nothing is kept."""
    values = {
        "results": replaced(report(), "publisher/creates", "fail"),
        "versions": {**VERSIONS, "rules": "1"},
    }
    ended = await operator("certificate", "sign", write(operator.folder, fresh(await nonce_of(operator), **values)))
    assert (1, "") == (ended.code, ended.output)
    for part in ("Not passed: publisher/creates.", "Non réussis : publisher/creates.", "about rules 1", "règles 1"):
        assert part in ended.errors
    assert [] == json.loads((await operator("partner", "show", "bretagne", "--json")).output)["certificates"]


async def test_a_nonce_serves_for_one_certificate_of_one_platform(operator: Shell) -> None:
    """[CER-004]."""
    used = await fresh_file(operator)
    assert 0 == (await operator("certificate", "sign", used)).code
    again = await operator("certificate", "sign", used)
    assert (1, True) == (again.code, "already used for a certificate" in again.errors), again.errors
    await operator("partner", "add", "normandie", "--json")
    other = await operator(
        "certificate", "sign", write(operator.folder, fresh(await nonce_of(operator, "normandie")), "other.json")
    )
    assert (1, True) == (other.code, "issued no such nonce to bretagne" in other.errors), other.errors
    missing = await operator("certificate", "nonce", "occitanie")
    assert (2, "") == (missing.code, missing.output)
    listed = json.loads((await operator("certificate", "nonce", "bretagne", "--days", "2", "--json")).output)
    assert {"platform", "nonce", "expires_at", "kit"} == set(listed)


async def test_a_feature_that_this_gateway_saw_in_use_is_not_declared_absent(operator: Shell) -> None:
    """[CER-004]: the platform has withdrawn an offer here, and its evidence has no case of a withdrawal."""
    secret = json.loads((await operator("partner", "rotate", "bretagne", "--json")).output)["client_secret"]
    off = ["withdrawals"]
    content = fresh(await nonce_of(operator), off=off)
    document = evidence(content["report"], nonce=content["nonce"], off=off)
    async with running(settings_of(operator)) as gateway, aiohttp.ClientSession() as session:
        proof = {"grant_type": "client_credentials", "client_id": "bretagne", "client_secret": secret}
        async with session.post(f"{gateway.url}/oauth/token", data=proof) as response:
            headers = {"Authorization": f"Bearer {(await response.json())['access_token']}", "Prefer": "wait=10"}
        path = f"{gateway.url}/v1/offers/bretagne:1?revision=1&reason=filled"
        async with session.delete(path, headers=headers) as response:
            assert response.status < 300
        refused = await operator("certificate", "sign", write(operator.folder, document))
    assert (1, True) == (refused.code, "the run has not seen (withdrawals)" in refused.errors), refused.errors
    assert "n’a pas vue (withdrawals)" in refused.errors


async def test_only_the_certificate_is_printed_on_standard_output(operator: Shell) -> None:
    """[CER-002]: so that it can be written to a file by the shell."""
    signed = await operator("certificate", "sign", await fresh_file(operator))
    (operator.folder / "b.jws").write_text(signed.output)
    assert 1 == len(signed.output.split()), signed.output
    assert 0 == (await operator("certificate", "verify", "b.jws")).code


async def test_a_revoked_certificate_counts_no_more(operator: Shell) -> None:
    """[CER-004]: neither does the one before it."""
    for _ in range(2):
        assert 0 == (await operator("certificate", "sign", await fresh_file(operator))).code
    assert 0 == (await operator("certificate", "revoke", "bretagne")).code
    assert [] == json.loads((await operator("partner", "show", "bretagne", "--json")).output)["certificates"]
    again = await operator("certificate", "revoke", "bretagne")
    assert (2, True) == (again.code, "no certificate as publisher" in again.errors)


async def test_mistakes_end_with_the_next_step(operator: Shell) -> None:
    """[CER-004]: only an active partner is certified."""
    folder = operator.folder
    good, nameless = (
        await fresh_file(operator),
        write(folder, {**fresh("n" * 16), "platform": "https://x.example"}, "nameless.json"),
    )
    (folder / "binary").write_bytes(b"\xff\x00")
    for words, message in (
        (("sign", "missing.json"), "missing.json: No such file or directory"),
        (("sign", "binary"), "is not JSON"),
        (("sign", nameless), "names no platform"),
        (("verify", "missing.jws"), "missing.jws: No such file or directory"),
        (("verify", "binary"), "is no signed certificate"),
        (("verify", good, "--jwks", "http://stages.example/jwks.json"), "is no https address"),
        (("verify", good, "--jwks", "http://127.0.0.1:1/jwks.json"), "cannot be reached"),
        (("verify", good, "--jwks", good), "has no usable key"),
    ):
        ended = await operator("certificate", *words)
        assert (2, True, True) == (ended.code, message in ended.errors, "Next step: " in ended.errors), ended.errors
    await operator("partner", "revoke", "bretagne")
    ended = await operator("certificate", "sign", good)
    assert (2, True) == (ended.code, "bretagne was revoked" in ended.errors)
    assert "Next step: passerelle partner add bretagne adds it again" in ended.errors


async def test_evidence_is_read_before_the_log(shell: Shell) -> None:
    """A wrong file is said also where there is no log yet."""
    (shell.folder / "binary").write_bytes(b"\xff\x00")
    ended = await shell("certificate", "sign", "binary")
    assert (2, True) == (ended.code, "binary is not JSON" in ended.errors), ended.errors


async def test_a_rotated_key_still_verifies_its_certificates(operator: Shell) -> None:
    """[CER-002]: the new one signs, and both are published."""
    await operator("certificate", "sign", await fresh_file(operator), "--out", "b.jws")
    (before,) = json.loads((await operator("keys", "list", "--json")).output)
    rotated = await operator("keys", "rotate")
    assert (0, True) == (rotated.code, "Restart the gateway" in rotated.output), rotated.errors
    keys = json.loads((await operator("keys", "list", "--json")).output)
    assert [(True, False), (False, True)] == [(one["signs"], one["kid"] == before["kid"]) for one in keys]
    assert 0 == (await operator("certificate", "verify", "b.jws")).code


async def test_the_key_of_a_certificate_that_was_renewed_stays_as_well(operator: Shell) -> None:
    """[CER-002]: the former one has not ended, and the platform holds it."""
    keys = operator.folder / "data" / "signing.pem"
    await operator("certificate", "sign", await fresh_file(operator), "--out", "former.jws")
    await operator("keys", "rotate")
    await operator("certificate", "sign", await fresh_file(operator), "--out", "b.jws")
    keys.write_text(re.sub(r"(?m)^Retired: \d+$", "Retired: 1", keys.read_text()))
    assert 0 == (await operator("keys", "rotate")).code
    assert [0, 0] == [(await operator("certificate", "verify", name)).code for name in ("former.jws", "b.jws")]


async def test_a_gateway_that_requires_certificates_accepts_offers_of_certified_partners(operator: Shell) -> None:
    """[CER-001]: whole, with the commands that an operator and a partner use."""
    secret = json.loads((await operator("partner", "rotate", "bretagne", "--json")).output)["client_secret"]
    offer = next(iter(generate(6, "bretagne", 1, date.fromisoformat(paris_date(now())), wrong=0.0)))
    (operator.folder / "offers.ndjson").write_bytes(offer.raw + b"\n")
    async with running(replace(settings_of(operator), require_certificate=date(2026, 1, 1))) as gateway:
        known = {"PASSERELLE_URL": gateway.url, "PASSERELLE_CLIENT_ID": "bretagne", "PASSERELLE_CLIENT_SECRET": secret}
        refused = await operator("publish", "offers.ndjson", "--lang", "en", **known)
        assert (1, True) == (refused.code, "certificate of conformity" in refused.output + refused.errors)
        assert 0 == (await operator("certificate", "sign", await fresh_file(operator))).code
        taken = await operator("publish", "offers.ndjson", "--lang", "en", **known)
        assert taken.code == 0, taken.output + taken.errors
