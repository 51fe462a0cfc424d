"""[T-18] [SEC-003] Secrets and personal data are never written, whatever fails: all output is searched."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from joserfc.jwk import ECKey

from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import SCOPES, Partner
from gateway.settings import Settings
from schemas.personal import holds_email
from tests.api.write.gateway_harness import ndjson, offer
from tests.faults.process import ROOT, GatewayProcess
from tests.oauth.oauth_harness import asserted, basic, grant, posted, sign

pytestmark = pytest.mark.slow

SECRET = "the-secret-of-the-gateway-that-nobody-may-read"
ADDRESS = "jean.dupont@exemple.fr"
PHONE = "06 12 34 56 78"
TITLE = "Un titre que nul ne lit dans un journal"
WRONG = "passerelle_a-wrong-secret-that-somebody-tried"
FORGED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJicmV0YWduZSJ9.a-forged-signature"
CURSOR = "a-cursor-that-somebody-made-up"
COMMAND = "from gateway.cli import main; main()"


def leaks(logged: str, kept: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Forbidden content of the output, by kind."""
    assert len(logged) > 100, "nothing was said: there is nothing to search"
    found = {kind: [text for text in texts if text in logged] for kind, texts in kept.items()}
    return {kind: texts for kind, texts in found.items() if texts}


async def run(*words: str, environment: Mapping[str, str], seconds: float = 110) -> tuple[int | None, str]:
    """A command in a process of its own: its exit code and all output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        cwd=ROOT,
        env={**_quiet_environment(), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        logged, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    return process.returncode, logged.decode()


def _quiet_environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith("PASSERELLE_")}


def test_a_leak_is_found() -> None:
    """The search itself can fail."""
    assert {"b": ["y"]} == leaks("x" * 100 + "y", {"a": ["z"], "b": ["y", "z"]})


def link_files(there: Path, kept: Path) -> None:
    """Link every key, secret and log below ``there`` into ``kept``, where it outlives its folder."""
    for found in there.rglob("*"):
        link = kept / str(found.relative_to(there)).replace("/", "-")
        if (found.name == "secret" or found.suffix in {".pem", ".log"}) and not link.exists():
            with suppress(FileNotFoundError):
                os.link(found, link)


async def keep_files(there: Path, kept: Path) -> None:
    """The same as soon as a file appears, until cancelled."""
    while True:
        link_files(there, kept)
        await asyncio.sleep(0.02)


@pytest.mark.timeout(240)
async def test_a_whole_demo_prints_no_secret(tmp_path: Path) -> None:
    """Terminal output, and all output of its gateway: no credential, token, key or e-mail address."""
    there, kept = tmp_path / "there", tmp_path / "kept"
    there.mkdir()
    kept.mkdir()
    keeping = asyncio.create_task(keep_files(there, kept))
    try:
        words = ("-m", "demo", "--once", "--offers", "90")
        environment = {"TMPDIR": str(there), "PASSERELLE_LOG_LEVEL": "debug"}
        code, output = await run(*words, environment=environment, seconds=220)
    finally:
        keeping.cancel()
    assert 0 == code, output[-2_000:]
    logs = [path.read_text() for path in kept.glob("*.log")]
    assert any('"api.request"' in log for log in logs), "the gateway said nothing that could be searched"
    logged = output + "".join(logs)
    own = {path.name: secrets_of(path) for path in kept.iterdir() if path.suffix != ".log"}
    assert {True} == {bool(texts) for texts in own.values()}, "its own secrets were not found"
    assert {} == leaks(logged, {**own, "": ["passerelle_", "eyJ", "Bearer", "Basic ", "PRIVATE KEY"]})
    assert not holds_email(logged)


def secrets_of(path: Path) -> list[str]:
    """The lines of a secret, or of the keys in a PEM file without their armour."""
    return [line for line in path.read_text().splitlines() if len(line) > 20 and not line.startswith("-----")]


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator["Served"]:
    served = Served(tmp_path)
    await served.start()
    try:
        yield served
    finally:
        await served.gateway.kill()


class Served:
    """``passerelle serve`` at level debug, and what its partners know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = mint_secret(now=clock.now(), entropy=os.urandom)
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        environment = {"PASSERELLE_SECRET": SECRET, "PASSERELLE_LOG_LEVEL": "debug"}
        self.gateway = GatewayProcess("gateway", folder / "data", environment)
        self.kept: dict[str, list[str]] = {
            "client secrets": [self.secret.text, WRONG, self.secret.kept.hash],
            "gateway secret": [SECRET],
            "signing key of a partner": [str(self.key.as_dict(private=True)["d"])],
            "forged tokens": [FORGED, FORGED.rpartition(".")[2]],
            "queries": [CURSOR],
            "personal data": [ADDRESS, PHONE],
            "bodies": [TITLE, "Atelier du Port"],
        }

    async def start(self) -> None:
        async with open_log(Settings(data=self.folder / "data")) as log:
            partners = Partners(log)
            bretagne = Partner(platform="bretagne", name="B", scopes=frozenset(SCOPES), secrets=(self.secret.kept,))
            keys: dict[str, object] = {"keys": [self.key.as_dict(private=False)]}
            await partners.save(bretagne)
            await partners.save(Partner(platform="occitanie", name="O", scopes=frozenset(SCOPES), jwks=keys))
            await partners.close()
        await self.gateway.start()
        await self.gateway.ready()

    @property
    def logged(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def assertion(self) -> str:
        now = clock.now() // 1_000
        claims = {"iss": "occitanie", "sub": "occitanie", "aud": f"{self.gateway.url}/oauth/token", "jti": "first"}
        assertion = sign(self.key, {**claims, "iat": now, "exp": now + 300})
        self.kept.setdefault("assertions", []).extend([assertion, assertion.rpartition(".")[2]])
        return assertion

    async def token(self, session: aiohttp.ClientSession, form: Mapping[str, str], **more: Any) -> str:
        """A token, recorded as a secret; empty without one."""
        async with session.post(f"{self.gateway.url}/oauth/token", data=form, **more) as response:
            token = str((await response.json()).get("access_token", ""))
        if token:
            self.kept.setdefault("access tokens", []).extend([token, token.rpartition(".")[2]])
        return token

    async def ask(self, session: aiohttp.ClientSession, method: str, path: str, token: str, **more: Any) -> int:
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        async with session.request(method, self.gateway.url + path, headers=headers, **more) as response:
            await response.read()
            return response.status


async def test_a_gateway_with_debug_logging_logs_no_secret(serving: Served) -> None:
    """Right and wrong proofs, offers with personal data in their texts, refusals of every kind, a failure within."""
    personal = offer(1, title=TITLE, description=f"Écrire à {ADDRESS} ou appeler le {PHONE}.")
    async with aiohttp.ClientSession() as session:
        token = await serving.token(session, posted(serving.secret.text))
        await serving.token(session, grant(), headers=basic("bretagne", serving.secret.text))
        assertion = serving.assertion()
        answers = [await serving.token(session, asserted(assertion)) for _ in range(2)]
        assert (True, "") == (bool(answers[0]), answers[1]), "an assertion serves once"
        for wrong in (posted(WRONG), posted(WRONG, "nobody"), asserted(FORGED), {"client_secret": WRONG}):
            assert "" == await serving.token(session, wrong)
        assert "" == await serving.token(session, grant(), headers=basic("bretagne", WRONG))

        async def statuses(*calls: tuple[str, str, dict[str, Any]], token: str = token) -> list[int]:
            return [await serving.ask(session, method, path, token, **more) for method, path, more in calls]

        json, lines = {"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}
        put: dict[str, Any] = {"headers": {**json, "Prefer": "wait=10"}, "data": orjson.dumps(personal)}
        unsound: dict[str, Any] = {
            "headers": json,
            "data": orjson.dumps({**personal, "employer": {"nom": ADDRESS}, "sector": PHONE}),
        }
        batch: dict[str, Any] = {"headers": lines, "data": ndjson(personal, {**personal, "seats": 0})}
        assert [201, 422, 422, 422] == await statuses(
            ("PUT", "/v1/offers/bretagne:1", put),
            ("PUT", "/v1/offers/bretagne:1", unsound),
            ("PUT", "/v1/offers/bretagne:1", {"headers": json, "data": f'{{"{ADDRESS}": '.encode()}),
            ("POST", "/v1/offers/batch", batch),
        )
        assert [400, 409, 404] == await statuses(
            ("GET", f"/v1/changes?cursor={CURSOR}", {}),
            ("POST", f"/v1/snapshots?mark={CURSOR}", batch),
            ("GET", f"/v1/receipts/{CURSOR}", {}),
        )
        assert [401, 401] == await statuses(
            ("PUT", "/v1/offers/bretagne:1", put), ("GET", "/v1/offers", {}), token=FORGED
        )
        spool = serving.folder / "data/spool"
        for left in spool.iterdir():
            left.unlink()
        spool.rmdir()
        spool.touch()  # an unexpected failure: its text goes into the log, with all its frames
        large = {"headers": lines, "data": io.BytesIO(ndjson(personal) * 16_000)}  # more than a spool keeps in memory
        assert [500] == await statuses(("POST", "/v1/offers/batch", large))
    assert 0 == await serving.gateway.stop()
    logged = serving.logged
    assert ('"api.failed"' in logged, "FileExistsError" in logged) == (True, True)
    serving.kept["signing key of the gateway"] = (serving.folder / "data/signing.pem").read_text().splitlines()[1:-1]
    assert {} == leaks(logged, serving.kept)


@pytest.mark.parametrize("level", ["debug", "info"])
async def test_the_text_of_a_failure_holds_no_values(level: str) -> None:
    """A traceback in the log holds locations, and never values of variables: bodies, tokens and secrets among them."""
    script = f"""
from gateway.runtime.logs import configure_logs
import structlog
configure_logs({level!r})
def fail(secret, offer):
    raise ValueError("out of luck")
try:
    fail("{WRONG}", {{"title": "{ADDRESS}"}})
except ValueError:
    structlog.get_logger().exception("api.failed")
"""
    code, logged = await run("-c", script, environment={})
    assert (0, True, True) == (
        code,
        "out of luck" not in logged and "ValueError" in logged and " fail" in logged,
        '"api.failed"' in logged,
    )
    assert {} == leaks(logged.replace("\\\\", ""), {"values": [WRONG, ADDRESS]})


async def test_an_unreadable_key_is_not_displayed(tmp_path: Path) -> None:
    """A failed start names the file, never its content."""
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{WRONG}\n-----END PRIVATE KEY-----\n")
    settings = {"SIGNING_KEY": str(key), "SECRET": SECRET, "DATA": str(tmp_path / "data"), "LOG_LEVEL": "debug"}
    settings |= {"PORT": "0", "MANAGEMENT_PORT": "0"}
    environment = {f"PASSERELLE_{name}": text for name, text in settings.items()}
    code, logged = await run("-c", COMMAND, "serve", environment=environment)
    assert code not in {0, None}
    assert {} == leaks(logged, {"key": [WRONG], "secret": [SECRET]})
