"""Every page that links lead to, in the session of each role and without one: no dead link, no sentence with a gap."""

import http.client
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from gateway.pages.base.door import COOKIE
from tests.pages.deployment import SECRET, deployment
from tests.pages.feeds import FAILING
from tests.pages.signing import OPERATOR, sign_in

pytestmark = pytest.mark.slow

ROLES: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "without a session": (None, ("/", "/en/")),
    "platform": ("bretagne", ("/plateforme", "/en/platform")),
    "platform with a feed": (FAILING, ("/plateforme", "/en/platform")),
    "operator": (OPERATOR.platform, ("/exploitation", "/en/operate")),
}
"""By role the platform that its session is of, and where it begins. A session crawls its own area; what it links to
beyond is crawled without a session.
"""
_HOLE = re.compile(r"(?<![\w\[{/:])(?<!th )…(?![\]}])|(?<![\w:])\{\w*\}(?!:)|\bNone\b(?! of)|\bundefined\b")
"""A value that is missing in a sentence. Removed contact data is ``[…]``."""
_UNELIDED = re.compile(r"\b(?:de|que) [AEÉÈÊIÎOaeéèêiî]\w+|\b(?:de|que) (?:un|une|il|elle|on)\b")
_PLURALS = re.compile(r"\b(?:0|1) (?:offres|systèmes|envois|jours|étapes|plateformes|messages|comptes)\b")


class _Seen(HTMLParser):
    """The links, anchors and sentences of a page. Sentences in another language, in code or of fields are left out."""

    _VOID = frozenset({"meta", "link", "input", "br", "path", "rect", "circle", "img", "hr"})
    _QUIET = frozenset({"script", "style", "code", "pre", "title", "textarea", "option"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.narrower: list[str] = []
        """Links with ``nofollow``, to a part of the page's list."""
        self.anchors: set[str] = {"", "main"}
        self.french: list[str] = []
        self.texts: list[str] = []
        self._stack: list[tuple[str, str, bool]] = [("", "", False)]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found["id"]} if "id" in found else set()
        if tag == "a" and "href" in found:
            (self.narrower if "nofollow" in found.get("rel", "") else self.links).append(found["href"])
        if tag not in self._VOID:
            _, language, quiet = self._stack[-1]
            hidden = "data-lost" in found
            self._stack.append((tag, found.get("lang", language), quiet or tag in self._QUIET or hidden))

    def handle_endtag(self, tag: str) -> None:
        while len(self._stack) > 1:
            if self._stack.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        _, language, quiet = self._stack[-1]
        if not quiet and data.strip():
            self.texts.append(" ".join(data.split()))
            if language == "fr":
                self.french.append(self.texts[-1])


@dataclass
class Crawl:
    """The pages of a role by address, and what is wrong: dead links, holes in sentences."""

    seen: dict[str, _Seen] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def _fetch(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer, of the page to which the door to one's own area leads if it is that."""
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    return _fetch(connection, answer.getheader("Location", ""), headers) if answer.status == 303 else (answer, body)


def _crawl(address: str, platform: str | None, starts: tuple[str, ...]) -> Crawl:
    found, connection = Crawl(), http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    headers = {"Accept": "text/html"}
    if platform is not None:
        headers["Cookie"] = f"{COOKIE}={sign_in(address, SECRET, platform)}"
    anchors: list[tuple[str, str, str]] = []
    waiting = [(start, "") for start in starts]
    while waiting:
        path, source = waiting.pop()
        if path in found.seen or (platform is not None and not path.startswith(starts)):
            continue
        answer, body = _fetch(connection, path, headers)
        found.seen[path] = _Seen("")
        if answer.status not in (200, 401) or (answer.status == 401 and not path.startswith("/v1/")):
            found.wrong.append(f"{answer.status} {path} on {source}")
        if not (answer.getheader("Content-Type") or "").startswith("text/html"):
            continue
        page = found.seen[path] = _Seen(body.decode())
        found.wrong += [f"{text!r} on {path}" for text in page.texts if _HOLE.search(text)]
        found.wrong += [
            f"{text!r} on {path}" for text in page.french if _UNELIDED.search(text) or _PLURALS.search(text)
        ]
        for link in page.links + (page.narrower[:8] if "?" not in path else []):
            target, anchor = urldefrag(urljoin(address + path, link))
            if target.startswith(address + "/"):
                waiting.append((target.removeprefix(address), path))
                anchors.append((target.removeprefix(address), unquote(anchor), path))
    connection.close()
    for target, anchor, path in anchors:
        page = found.seen.get(target, _Seen(""))
        if page.links and anchor not in page.anchors:
            found.wrong.append(f"no #{anchor} in {target}, linked on {path}")
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with deployment(tmp_path_factory.mktemp("gateway")) as url:
        yield url


@pytest.mark.parametrize("role", ROLES)
def test_links_lead_somewhere_and_sentences_are_whole(role: str, address: str) -> None:
    """French elides *de* and *que*, and has a singular for 0 and 1."""
    platform, starts = ROLES[role]
    found = _crawl(address, platform, starts)
    assert [] == sorted(set(found.wrong))
    assert len(found.seen) > 10
