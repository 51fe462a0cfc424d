"""The recipes of CONTRIBUTING for a reason and a field are complete: a copy of this tree, with just their files edited,
accepts, stores, renders and displays both.
"""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import orjson
import pytest

from demo.client import Client
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.pages.base.door import COOKIE
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from gateway.settings import Settings
from tests.faults.process import GatewayProcess
from tests.harness import OFFER
from tests.pages.signing import sign_in

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PUBLISHER, SECRET = "bretagne", "secret-of-a-copy-of-the-whole-tree"
CHECKED = ("tests/docs", "tests/schemas", "tests/formats", "tests/rendering", "tests/conformance/model/test_cases.py")
"""What would find a forgotten file: run in the copy."""

Edits: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""File → texts, each of which is written before the first occurrence of another."""


def case(name: str, requirement: str, content: Mapping[str, Any], *codes: Mapping[str, str]) -> str:
    """A case of the kit as it is written into the list of a file."""
    expected = {"accepted": not codes, "problems": list(codes)}
    title = {"fr": "Essai", "en": "Trial"}
    whole = {"name": name, "requirements": [requirement], "title": title, **content, "expected": expected}
    return orjson.dumps(whole).decode() + ",\n"


POSTPONED = {"document": {"id": "${id.a}", "revision": 2, "withdrawn": "postponed"}}
REASON: Edits = {
    "schemas/json/withdrawal.schema.json": [('"filled", "cancelled"]', '"postponed", ')],
    "schemas/reference.json": [('"filled": {"fr"', '"postponed": {"fr": "reportée", "en": "postponed"}, ')],
    "conformance/cases/identity/withdrawals.json": [
        ('{\n      "name": "filled"', case("postponed", "OFR-042", POSTPONED)),
    ],
    "CHANGELOG.md": [("- ", "- A withdrawal may have the reason `postponed`.\n")],
}
_ID = f"OFR-{1 + max(map(int, re.findall('OFR-([0-9]+)', (ROOT / 'docs/protocol.md').read_text()))):03}"
"""The next free one."""
_TEST = f'''def test_lodging_is_yes_or_no() -> None:
    """{_ID}"""
    assert check(changed(lodging=True)).accepted


'''
_TEXTS = """"lodging": {
      "label": {"fr": "Hébergement", "en": "Lodging"},
      "text": {"fr": "Vrai si les élèves sont logés.", "en": "Whether pupils are lodged."}
    },
    """
_WRONG = {"code": "wrong-type", "pointer": "/lodging"}
FIELD: Edits = {
    "schemas/json/offer.schema.json": [
        (
            '"apply_url": {',
            '"lodging": {"description": "They are lodged.", "type": "boolean", "x-harmless": true},\n',
        ),
    ],
    "schemas/reference.json": [('"restrictions": {', _TEXTS), ('"apply_url": "', '"lodging": true,\n    ')],
    "docs/protocol.md": [("- `redistribution` says", f"- `lodging` says that pupils are lodged `[{_ID}]`.\n")],
    "schemas/requirements.json": [('", "en": "`lodging` says', "`lodging` dit que les élèves sont logés")],
    "conformance/cases/fields/types.json": [
        ('{\n      "name": "title-as', case("lodging-as-text", _ID, {"put": {"/lodging": "yes"}}, _WRONG)),
    ],
    "tests/schemas/test_shape.py": [("LIMITS: list", _TEST)],
    "CHANGELOG.md": [("- ", "- An offer may say `lodging`.\n")],
}


def recipe(beginning: str) -> list[str]:
    """The files that a recipe of CONTRIBUTING numbers."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return re.findall(r"^[0-9]\. `([^`]+)`", text.partition(f"**{beginning}")[2].partition("\n\n")[0], re.MULTILINE)


def run(copy: Path, *command: str) -> None:
    """A command of Python in the copy; its output is in the message if it fails."""
    ended = subprocess.run([sys.executable, "-m", *command], cwd=copy, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}: {ended.stdout[-6000:]}{ended.stderr[-2000:]}"


def edit(copy: Path, edits: Edits) -> None:
    """Make the edits of a recipe."""
    for name, pairs in edits.items():
        text = (copy / name).read_text(encoding="utf-8")
        for after, added in pairs:
            assert after in text, f"{name} has no {after!r}"
            text = text.replace(after, added + after, 1)
        (copy / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree with both additions, made by the recipes alone, and its generated documents."""
    folder = tmp_path_factory.mktemp("additions")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    french = "schemas/requirements.json"
    edit(folder, {name: pairs for name, pairs in FIELD.items() if name != french})
    edit(folder, REASON)
    run(folder, "conformance.build_requirements", "docs/protocol.md")
    edit(folder, {french: FIELD[french]})
    run(folder, "schemas.build_reference")
    run(folder, "conformance.build_cases")
    run(folder, "schemas.evolution.record", "2026-12-01")
    return folder


def test_the_recipes_number_the_files_that_are_edited_here() -> None:
    assert (list(REASON), list(FIELD)) == (recipe("add a reason"), recipe("add a field"))
    assert len(REASON) <= 6
    assert len(FIELD) <= 9


@pytest.mark.timeout(900)
def test_the_tests_of_the_copy_find_no_forgotten_file(copy: Path) -> None:
    run(copy, "pytest", "--quick", "-q", "-p", "no:cacheprovider", *CHECKED)


async def test_the_additions_are_published_and_read_through_api_export_and_pages(copy: Path, tmp_path: Path) -> None:
    async with served(copy, tmp_path) as (gateway, client, reader), aiohttp.ClientSession() as session:
        offer = {**OFFER, "lodging": True}
        path = f"/v1/offers/{offer['id']}"
        wait = {"Prefer": "wait=20"}
        answer = await client.call("PUT", path, body=orjson.dumps(offer), headers=wait)
        assert answer.status == 201, answer.explain()
        assert (await client.call("GET", path)).body["offer"]["lodging"] is True
        export = await reader.call("GET", "/v1/exports/jobposting", params={"territory": "all"})
        assert export.body["@graph"][0]["urn:fr:stages:offer:lodging"] is True
        form = aiohttp.FormData({"text": orjson.dumps(offer).decode(), "format": "auto"})
        async with session.post(f"{gateway.url}/en/check", data=form, headers={"Origin": gateway.url}) as page:
            assert "<dt>Lodging</dt><dd>yes</dd>" in await page.text()

        answer = await client.call("DELETE", path, params={"revision": "2", "reason": "postponed"}, headers=wait)
        assert answer.status == 200, answer.explain()
        assert "postponed" == (await client.call("GET", path)).body["marker"]["reason"]
        cookie = {"Cookie": f"{COOKIE}={sign_in(gateway.url, SECRET, PUBLISHER)}"}
        for address, word in (("/plateforme/offre", "reportée"), ("/en/platform/offer", "postponed")):
            async with session.get(f"{gateway.url}{address}?id={offer['id']}", headers=cookie) as page:
                assert (200, True) == (page.status, word in await page.text()), gateway.last_words()


@asynccontextmanager
async def served(copy: Path, folder: Path) -> AsyncIterator[tuple[GatewayProcess, Client, Client]]:
    """A gateway that the copy runs, with a publisher and another reader."""
    minted = {slug: mint_secret(now=clock.now(), entropy=os.urandom) for slug in (PUBLISHER, "normandie")}
    async with open_log(Settings(data=folder / "data")) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        scopes = frozenset({"offers:publish", "offers:read"})
        for slug, secret in minted.items():
            await partners.save(Partner(platform=slug, name=slug, scopes=scopes, secrets=(secret.kept,)))
        await partners.close()
    gateway = GatewayProcess("additions", folder / "data", {"PASSERELLE_SECRET": SECRET}, root=copy)
    await gateway.start()
    try:
        await gateway.ready()
        async with aiohttp.ClientSession() as session:
            publisher, reader = (
                Client(session, gateway.url, client_id=slug, client_secret=secret.text)
                for slug, secret in minted.items()
            )
            yield gateway, publisher, reader
    finally:
        await gateway.stop()
