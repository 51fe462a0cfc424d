"""The page over HTTP: the form's answer is the verdict; refusals are pages too; nothing executes."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import FormData

from gateway.api.context import client_of
from gateway.pages.base.anonymous import AddressSlots
from gateway.pages.base.reading import Forms
from gateway.pages.check.content import KINDS
from gateway.runtime.sandbox import SandboxBusyError, SandboxFailedError, SpentError
from schemas.rulebook import Language
from tests.pages.check.offers import CANARY, FEED, REFUSED, sound
from tests.pages.check.served import Client, form, served

pytestmark = pytest.mark.slow

PATHS: dict[Language, str] = {"fr": "/verifier", "en": "/en/check"}
HTML = {"Accept": "text/html"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


async def page(
    client: Client, data: Any, *, language: Language = "fr", status: int = 200, headers: Mapping[str, str] | None = None
) -> str:
    async with client.post(PATHS[language], data=data, headers={**HTML, **(headers or {})}) as response:
        assert response.status == status
        assert response.content_type == "text/html"
        assert response.headers["Cache-Control"] == "no-store"
        return await response.text()


def title(text: str) -> str:
    return text.partition("<title>")[2].partition("</title>")[0]


VERDICTS: list[tuple[Language, str, str]] = [
    ("fr", REFUSED, "Refusée"),
    ("en", REFUSED, "Refused"),
    ("fr", sound().decode(), "Acceptée"),
    ("en", sound(weeks=["2027-W24"]).decode(), "Accepted with warnings"),
    ("fr", '{"id": "bretagne:1", "revision": 1, "withdrawn": "filled"}', "Retrait accepté"),
    ("fr", f"[{REFUSED}]", "1 offre refusée sur 1"),
    ("en", "", "Unreadable"),
]


async def test_the_title_says_the_verdict(client: Client) -> None:
    for language, content, verdict in VERDICTS:
        text = await page(client, form(text=content), language=language)
        assert title(text).startswith(f"{verdict} – ")
        assert f'lang="{language}"' in text


async def test_headings_are_in_order_and_the_summary_comes_before_the_form(client: Client) -> None:
    text = await page(client, form(text=REFUSED))
    levels = [int(piece[0]) for piece in text.split("<h")[1:] if piece[0].isdigit()]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert text.index('id="verdict"') < text.index('class="problems"') < text.index("<form")
    assert text.index("siret-checksum") < text.index("personal-data")


async def test_a_pasted_text_stays_in_the_box_escaped(client: Client) -> None:
    hostile = '</textarea><script>alert(1)</script>\n{"title": "<img src=x onerror=y>", "\u202e": "\x00"}'
    text = await page(client, form(text=hostile))
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "&lt;/textarea&gt;&lt;script&gt;" in text
    assert "\0" not in text

    long = "x" * 262_145
    text = await page(client, form(text=long))
    assert long not in text
    assert "il est vérifié, mais n’est pas réaffiché" in text
    assert long[1:] in await page(client, form(text=long[1:]))
    # HTML drops the first line break of a text area.
    text = await page(client, form(text="\n\n{}"))
    assert ">\n\n\n{}</textarea>" in text


async def test_a_file_counts_before_a_text_and_is_not_displayed_again(client: Client) -> None:
    text = await page(client, form(text="{}", file=sound(title=CANARY)))
    assert title(text).startswith("Acceptée")
    assert "aria-invalid" not in text
    wrong = await page(client, form(text="{}", file=b"%PDF-1.4"))
    assert 'name="file" aria-describedby="file-error" aria-invalid="true"' in wrong
    assert 'name="text" aria-describedby="text-error" aria-invalid="true"' in await page(client, form(text=" "))
    assert text.count(CANARY) == 2  # the offer as it would be relayed, in words and in its canonical form


async def test_a_chosen_format_stays_chosen_and_an_unknown_one_is_none(client: Client) -> None:
    assert '<option value="lines" selected>' in await page(client, form(text="{}", format="lines"))
    assert '<option value="auto" selected>' in await page(client, form(text="{}", format=CANARY))
    async with client.get("/verifier") as response:
        text = await response.text()
    assert all(f'<option value="{value}"' in text for value in ("auto", *KINDS, "feed:auvergne-rhone-alpes"))

    text = await page(client, form(file=FEED))
    assert "Nos talents nos emplois" in text
    assert "auvergne-rhone-alpes:A-1" in text

    assert title(await page(client, {"text": REFUSED})).startswith("Refusée")
    assert title(await page(client, form())).startswith("Illisible")


PARTS = {"Content-Type": "multipart/form-data; boundary=a"}
REFUSALS: list[tuple[bytes | FormData, dict[str, str], int, str]] = [
    (form(file=b"x" * (1024 * 1024 + 1)), {}, 413, "L’envoi dépasse 1\u00a0Mio."),
    (b"text=" + b"a" * 300_000, {"Content-Type": "application/x-www-form-urlencoded"}, 413, "192\u00a0Kio"),
    (b"x" * 10_000_000, PARTS, 413, "L’envoi dépasse 1\u00a0Mio."),
    (b"{}", {"Content-Type": "application/json"}, 415, "formulaire"),
    (b"--a", PARTS, 400, "incomplet"),
    (b"--a\r\n\r\n\r\n\r\n--a--", PARTS, 400, "mal formé"),
    (b"\x1f\x8b", PARTS | {"Content-Encoding": "gzip"}, 415, "compressé"),
]


async def test_a_refused_form_is_a_page_with_a_sentence(client: Client) -> None:
    for data, headers, status, sentence in REFUSALS:
        body = BytesIO(data) if isinstance(data, bytes) else data
        text = await page(client, body, status=status, headers=headers)
        assert title(text).startswith("Pas de verdict")
        assert sentence in text

    text = await page(client, form(file=b" " * (1024 * 1024 - len(sound())) + sound()))
    assert "json-too-large" in text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_examples_fill_the_box_without_a_script(client: Client, language: Language) -> None:
    async with client.get(PATHS[language], headers=HTML) as response:
        links = re.findall(r'href="([^"]+[?]example=[a-z]+)#text"', await response.text())
    assert len(links) == 2
    for link, verdict in zip(
        links, ({"fr": "Acceptée", "en": "Accepted"}, {"fr": "Refusée", "en": "Refused"}), strict=True
    ):
        async with client.get(link, headers=HTML) as response:
            assert response.status == 200
            filled = html.unescape(
                (await response.text()).partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
            )
        assert title(await page(client, form(text=filled), language=language)).startswith(verdict[language])


class Failures:
    """Raises the next error at each call."""

    def __init__(self, errors: Iterable[Exception]) -> None:
        self._errors = iter(errors)

    async def call(self, *_: Any) -> Any:
        raise next(self._errors)

    async def prepare(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_a_failure_of_the_work_is_a_page_that_keeps_the_text(tmp_path: Path) -> None:
    failures = [(SpentError(), 413, None), (SandboxBusyError(), 503, "5"), (SandboxFailedError(), 503, "5")]
    async with served(tmp_path, worker=Failures(error for error, _, _ in failures)) as client:
        for _, status, retry in failures:
            async with client.post("/en/check", data=form(text=REFUSED), headers=HTML) as response:
                assert (response.status, response.headers.get("Retry-After")) == (status, retry)
                assert "73282932000075" in await response.text()


async def _slowly(sending: asyncio.Event) -> AsyncIterator[bytes]:
    yield b'--a\r\nContent-Disposition: form-data; name="text"\r\n\r\n{'
    await sending.wait()
    yield b"}\r\n--a--\r\n"


SLOW = {"Content-Type": "multipart/form-data; boundary=a", **HTML}


def posted(client: Client, address: str, sending: asyncio.Event) -> asyncio.Task[int]:
    """A form of this address that is half sent until the event; the status of its answer."""

    async def send() -> int:
        headers = SLOW | {"X-Forwarded-For": f"9.9.9.9, {address}", "Forwarded": "for=8.8.8.8"}
        async with client.post("/verifier", data=_slowly(sending), headers=headers) as response:
            assert response.content_type == "text/html"
            return response.status

    return asyncio.create_task(send())


async def arrives(client: Client, address: str) -> int:
    """The status of the answer to a whole form of this address."""
    headers = HTML | {"X-Forwarded-For": address}
    async with client.post("/verifier", data=form(text='{"a": 12345}'), headers=headers) as response:
        assert "12345" in (await response.text()).partition("<textarea")[2].partition("</textarea>")[0]
        return response.status


async def end(clients: Iterable[asyncio.Task[int]]) -> None:
    """Visitors who leave."""
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


async def test_half_sent_forms_keep_no_whole_one_out(tmp_path: Path) -> None:
    """64 of them from 32 addresses: a whole form is answered, of these addresses and of others.
    The one that it takes the room of is answered 503.
    """
    slots, forms = AddressSlots(), Forms(client_of)
    async with served(tmp_path, proxies="127.0.0.1", slots=slots, forms=forms) as client:
        sending = asyncio.Event()
        held = {posted(client, f"192.0.2.{number % 32}", sending) for number in range(64)}
        while forms.being_received < 64:
            await asyncio.sleep(0.01)
        assert 0 == slots.held
        for address in ("192.0.2.1", "192.0.2.77", "2001:db8::1"):
            assert 200 == await arrives(client, address)
        done, held = await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED)
        assert [503] == [task.result() for task in done]
        await end(held)


@pytest.mark.parametrize(
    ("addresses", "kept"),
    [
        (["192.0.2.1"], 8),
        (["2001:db8::1", "2001:db8::ffff:1"], 8),
        ([f"2001:db8:0:{number:x}::1" for number in range(40)], 32),
    ],
)
async def test_an_address_has_so_many_forms_on_their_way(tmp_path: Path, addresses: list[str], kept: int) -> None:
    """An IPv6 /64 is one address, and its /48 has four times as many; what a client claims of itself does not count."""
    forms = Forms(client_of)
    async with served(tmp_path, proxies="127.0.0.1", forms=forms) as client:
        sending = asyncio.Event()
        held = {posted(client, addresses[number % len(addresses)], sending) for number in range(40)}
        refused: list[int] = []
        while len(refused) < 40 - kept:
            done, held = await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED)
            refused += [task.result() for task in done]
        assert [503] * (40 - kept) == refused
        assert kept == forms.being_received
        await end(held)


async def test_a_form_that_does_not_arrive_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, forms=Forms(client_of, seconds=0.05)) as client:
        assert 408 == await posted(client, "192.0.2.1", asyncio.Event())


async def test_a_form_waits_for_a_slot_of_its_address(tmp_path: Path) -> None:
    """Many visitors may share one address: what is worked on in a second is worth a wait."""
    slots = AddressSlots()
    async with served(tmp_path, slots=slots) as client:
        with slots.one("127.0.0.1"), slots.one("127.0.0.1"):
            waiting = asyncio.create_task(arrives(client, ""))
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            assert not done
        assert 200 == await waiting


async def test_a_visitor_who_leaves_leaves_nothing(tmp_path: Path) -> None:
    slots, forms = AddressSlots(), Forms(client_of)
    async with served(tmp_path, slots=slots, forms=forms) as client:
        leaving = asyncio.create_task(client.post("/verifier", data=_slowly(asyncio.Event()), headers=SLOW))
        while not forms.being_received:
            await asyncio.sleep(0.01)
        leaving.cancel()
        while forms.being_received:
            await asyncio.sleep(0.01)
    assert 0 == slots.held


async def test_the_log_has_sizes_formats_and_rules_only(client: Client) -> None:
    with structlog.testing.capture_logs() as lines:
        await page(client, form(text=REFUSED.replace("Atelier du Port", CANARY)))
        await page(client, form(file=FEED.replace(b"A-1", CANARY.encode())))
        await page(client, b"--a", status=400, headers=PARTS)
    noted = [line for line in lines if line["event"].startswith("pages.")]
    assert [line["event"] for line in noted] == ["pages.checked", "pages.checked", "pages.refused"]
    assert noted[0]["rules"]["siret-checksum"] == 1
    assert noted[1]["format"] == "cleverconnect"
    assert CANARY not in repr(lines)


async def test_the_page_takes_no_other_method_and_keeps_no_address(client: Client) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        async with client.request(method, "/verifier", headers=HTML) as response:
            assert response.status == 405
    async with client.get("/verifier") as response:
        assert "Set-Cookie" not in response.headers
    async with client.post("/verifier", data=form(text="{}"), allow_redirects=False) as response:
        assert (response.status, "Set-Cookie" in response.headers) == (200, False)
