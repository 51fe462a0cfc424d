"""Output of the command line for partners: entirely in French or entirely in English."""

import asyncio
import gzip
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from itertools import count, islice
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from demo.generator import generate
from demo.region_site.feed import example_profile, write_feed
from gateway.cli.app import app
from gateway.cli.console import CommandError
from gateway.cli.publish import UploadProgress, write_note
from gateway.cli.render_platform import platform_error
from gateway.cli.tally import OUTCOMES, counts_of
from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from passerelle_client import Summary
from schemas.rulebook import LANGUAGES, Language
from tests.cli.conftest import RunningGateway
from tests.pull.pull_harness import offer
from tests.revision import revised

TODAY = date.fromisoformat(paris_date(now()))
FEED = {"kind": "https", "url": "https://feeds.example.org/stages"}
AWAY = "http://127.0.0.1:1"
"""Where no gateway is."""
ROTATE = "passerelle partner rotate"
GUARD = 60
"""Offers, of which a snapshot of one would withdraw too many."""
SOURCE = Path(__file__).parents[2] / "gateway"
_PIECES = re.compile(r"[.:;,()\n│→]+|  +")


class Output:
    """Exit code and output of a command, next step included."""

    def __init__(self, environ: Mapping[str, str], language: Language, *words: object) -> None:
        known = {"PASSERELLE_URL": None, "PASSERELLE_CLIENT_ID": None, "PASSERELLE_CLIENT_SECRET": None, **environ}
        ended = CliRunner(env=known).invoke(app, [*map(str, words), "--lang", language])
        self.text = ended.output
        self.code = ended.exit_code
        if isinstance(ended.exception, CommandError):
            assert language == ended.exception.language
            self.code = 2
            self.text += f"{ended.exception}\n{ended.exception.step}\n"
        elif ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception

    @property
    def phrases(self) -> set[str]:
        """The output in phrases of two words or more; all numbers are equal."""
        pieces = (piece.strip() for piece in _PIECES.split(re.sub(r"\d+", "0", self.text)))
        return {piece for piece in pieces if sum(word.replace("'", "").isalpha() for word in piece.split()) > 1}


async def both(
    environ: Mapping[str, str],
    *words: object,
    code: int = 0,
    before: Callable[[], object] = lambda: None,
    alike: frozenset[str] = frozenset(),
) -> str:
    """Run a command in each language, each time after ``before``. What it said in English; nothing of it may be
    equal but what is ``alike``.
    """
    outputs = {}
    for language in LANGUAGES:
        before()
        outputs[language] = await asyncio.to_thread(Output, environ, language, *words)
        assert code == outputs[language].code, outputs[language].text
    assert outputs["fr"].text != outputs["en"].text
    assert alike == outputs["fr"].phrases & outputs["en"].phrases
    return outputs["en"].text


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def lines(number: int, *, wrong: float = 0.0, prefix: str = "") -> bytes:
    """Offers as NDJSON; those with another prefix have other ids."""
    offers = generate(6, "bretagne", number, TODAY, wrong=wrong)
    return b"".join(one.raw.replace(b"bretagne:", b"bretagne:" + prefix.encode(), 1) + b"\n" for one in offers)


async def test_validate(tmp_path: Path) -> None:
    await both({}, "validate", write(tmp_path / "good.ndjson", lines(3)))
    await both({}, "validate", write(tmp_path / "bad.ndjson", lines(150, wrong=1.0)), code=1)
    await both({}, "validate", tmp_path / "good.ndjson", "--on", "14/06/2027", code=2)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.json", b'[{"a":1},'),
        ("o.json", b'[{"a":1} {"a":2}]'),
        ("o.json", b"[" * 100_000),
        ("o.json", b'[{"a":"\xff"}]'),
        ("o.ndjson.gz", gzip.compress(b'{"a":1}\n' * 100, mtime=0)[:-20]),
        ("o.ndjson", b"\n"),
        ("o.ndjson", None),
    ],
)
async def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        write(tmp_path / name, content)
    await both({}, "validate", tmp_path / name, code=2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three good offers."""
    return write(tmp_path / "o.ndjson", lines(3))


@pytest.mark.parametrize("command", ["mark", "status", "publish", "snapshot"])
async def test_a_gateway_that_cannot_be_used(running_gateway: RunningGateway, file: Path, command: str) -> None:
    """Not named, no address, unreachable, or one that does not know the partner."""
    words = (command, file) if command in {"publish", "snapshot"} else (command,)
    known = running_gateway.shell.environ
    await both({}, *words, code=2)
    await both({**known, "PASSERELLE_URL": "nowhere"}, *words, code=2)
    await both({**known, "PASSERELLE_URL": AWAY}, *words, code=2)
    await both({**known, "PASSERELLE_CLIENT_SECRET": "wrong"}, *words, code=2, alike=frozenset({ROTATE}))


@asynccontextmanager
async def refusing(status: int) -> AsyncIterator[Mapping[str, str]]:
    """A server that issues tokens and refuses all other requests, named by this environment."""

    async def token(_: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "expires_in": 3600})

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    other = web.Application()
    other.add_routes([web.post("/oauth/token", token), web.route("*", "/{path:.*}", refuse)])
    async with TestServer(other) as server:
        yield {
            "PASSERELLE_URL": str(server.make_url("")),
            "PASSERELLE_CLIENT_ID": "bretagne",
            "PASSERELLE_CLIENT_SECRET": "s",
        }


@pytest.mark.parametrize("status", [401, 403, 404, 413, 422])
async def test_a_call_that_is_refused_as_a_whole(file: Path, status: int) -> None:
    async with refusing(status) as environ:
        await both(environ, "mark", code=2)
        await both(environ, "status", code=2)
        await both(environ, "publish", file, code=2)
        await both(environ, "snapshot", file, "--mark", "m", code=2)


async def test_publish(running_gateway: RunningGateway, file: Path) -> None:
    """Accepted, repeated, refused at once, rejected by the relay, and resumed."""
    environ, number = running_gateway.shell.environ, count(1)
    await both(environ, "publish", file, before=lambda: write(file, lines(3, prefix=f"{next(number)}-")))
    await both(environ, "publish", file)
    old, reused = islice(generate(6, "bretagne", 9, TODAY, wrong=0.0), 2)
    write(file, b"\n".join([revised(old, 5).raw, revised(reused, 5).raw]))
    await asyncio.to_thread(Output, environ, "en", "publish", file)
    other = revised(reused, 6).raw.replace(b'"revision":6', b'"revision":5')
    write(file, b"\n".join([revised(old, 4).raw, other]))
    outputs = await both(environ, "publish", file, code=1)
    assert "2 document(s): 1 stale, 1 refused\n" in outputs
    write(file, lines(20, wrong=1.0))
    note = UploadProgress.about(file, url=running_gateway.gateway.url, client="bretagne", next_document=5)
    outputs = await both(environ, "publish", file, code=1, before=lambda: write_note(file, note))
    assert "Resuming at document 5" in outputs


def test_every_outcome_has_a_text() -> None:
    summary = Summary(counts=Counter(OUTCOMES.keys()))
    french, english = (counts_of(summary, language).partition(":")[2].strip().split(", ") for language in LANGUAGES)
    assert (len(OUTCOMES), len(OUTCOMES)) == (len(french), len(english))
    assert set() == set(french) & set(english)


async def test_marks_and_snapshots(running_gateway: RunningGateway, file: Path) -> None:
    """A mark taken, a snapshot with and without one, with refusals, one that would withdraw too many, a used mark."""
    environ = running_gateway.shell.environ
    await both(environ, "mark")
    await both(environ, "snapshot", write(file, lines(GUARD)))
    await both(environ, "snapshot", write(file, lines(GUARD) + lines(9, wrong=1.0, prefix="wrong-")), code=1)
    outputs = await both(environ, "snapshot", write(file, lines(1)), code=2)
    assert "--confirm" in outputs
    mark = (await asyncio.to_thread(Output, environ, "en", "mark")).text.split()[0]
    await asyncio.to_thread(Output, environ, "en", "snapshot", write(file, lines(GUARD)), "--mark", mark)
    await both(environ, "snapshot", file, "--mark", mark, code=2)


async def test_status(running_gateway: RunningGateway) -> None:
    """The names of Regions are the same."""
    await both(running_gateway.shell.environ, "status", alike=frozenset({"Centre-Val de Loire"}))


def profile(path: Path, **more: object) -> Path:
    return write(path, json.dumps({**example_profile("bretagne", "csv", FEED), **more}).encode())


async def test_a_sample_checked_by_a_profile(tmp_path: Path) -> None:
    """Valid, partly refused, unusable, missing; and a platform without a feed."""
    known, sample = profile(tmp_path / "profile.json"), tmp_path / "sample"
    words = ("platform", "check", known, sample)
    await both({}, *words, code=2)
    write(sample, write_feed("csv", [offer(1)]))
    offered = frozenset(("Découverte d'un atelier de menuiserie", "Atelier du Port", "Artisanat d'art"))
    await both({}, *words, "--on", "2026-11-30", alike=offered)
    await both({}, *words, "--on", "yesterday", code=2)
    write(sample, write_feed("csv", [offer(1), offer(2, sector="s99"), offer(3, description="a@b.example")]))
    await both({}, *words, "--on", "2026-11-30", code=1, alike=offered)
    write(sample, write_feed("csv", [offer(1)]).replace(b"titre", b"Titre", 1))
    await both({}, *words, code=1)
    write(sample, write_feed("csv", []))
    await both({}, *words, code=1)
    await both({}, *words, before=lambda: write(sample, b""), code=2)
    await both({}, "platform", "check", "bretagne", sample, code=2)


@pytest.mark.parametrize("content", [b'{"platform":', b'{"platform": "\xff"}', b"[" * 100_000, b"[1]", b"{}", None])
async def test_an_invalid_profile(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "profile.json"
    if content is not None:
        write(path, content)
    await both({}, "platform", "check", path, path, code=2)


async def test_platforms_and_their_runs(tmp_path: Path) -> None:
    """Platforms that joined, wait or have no feed, and a run without a gateway."""
    environ = {"PASSERELLE_DATA": str(tmp_path / "data")}
    await asyncio.to_thread(CliRunner(env=environ).invoke, app, ["topics", "create"])
    alike = frozenset({"passerelle platform add PROFILE"})
    await both(environ, "platform", "list", alike=alike)
    add = ["platform", "add", str(profile(tmp_path / "profile.json"))]
    await asyncio.to_thread(CliRunner(env=environ).invoke, app, add)
    await both(environ, "platform", "list", alike=alike)
    await both(environ, "platform", "run", "normandie", code=2)
    await both(environ, "platform", "run", "bretagne", "--wait", "1", code=2)


def test_every_text_that_a_command_names_is_on_file_and_every_text_on_file_is_named() -> None:
    """No type knows the members of ``words``."""
    texts = json.loads((SOURCE / "words.json").read_bytes())
    sources = [path.read_text() for path in (*SOURCE.glob("cli/*.py"), *SOURCE.glob("mock/*.py"))]
    named: dict[str, set[str]] = {}
    for source in sources:
        for section in re.findall(r'load_words\(SimpleNamespace, "gateway", "(\w+)"\)', source):
            names = re.findall(r"(?:\bwords|_words|_WORDS\[[^\]]+\])\.(\w+)", source)
            named.setdefault(section, set()).update(names)
    named["platform"] |= {name for one in sources for name in re.findall(r'platform_error\("(\w+)"', one)}
    assert {section: set(texts[section]) for section in named} == named
    compared = sum(map(len, named.values()))
    assert compared > 50


def test_an_order_that_another_one_replaced() -> None:
    """Needs two operators at the same moment, so only the texts are checked."""
    french, english = (platform_error("replaced", language, platform="bretagne") for language in LANGUAGES)
    assert (str(french) != str(english), french.step != english.step) == (True, True)


async def test_an_error_and_its_next_step_are_introduced_in_its_language(running_gateway: RunningGateway) -> None:
    french = await running_gateway.shell("validate", "none.ndjson")
    assert "Erreur : none.ndjson n’existe pas.\nÀ faire : vérifiez le nom du fichier\n" == french.errors
    english = await running_gateway.shell("validate", "none.ndjson", "--lang", "en")
    assert "Error: none.ndjson does not exist.\nNext step: check the file's name\n" == english.errors
