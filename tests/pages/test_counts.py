"""The numbers of the pages are the API's, and a link to a part of a list says how many are there."""

import csv
import http.client
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pytest

from gateway.pages.base.door import COOKIE
from gateway.pages.base.texts import texts_of
from tests.pages.deployment import PLATFORMS, SECRET, deployment
from tests.pages.signing import OPERATOR, sign_in

pytestmark = pytest.mark.slow

_OWN, _OTHER = PLATFORMS
_REQUEST = r'href="/exploitation/demande\?id=([\w-]+)"'


@dataclass
class Gateway:
    """Asks a gateway for pages in a platform's session, and for answers of its API with a platform's token."""

    address: str
    secrets: Mapping[str, str]

    def _call(self, method: str, path: str, body: str | None = None, **headers: str) -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert 200 == answer.status, f"{path}: {text!r}"
        return text

    def page(self, path: str, platform: str = "") -> str:
        session = {"Cookie": f"{COOKIE}={sign_in(self.address, SECRET, platform)}"} if platform else {}
        return self._call("GET", path, Accept="text/html", **session).decode()

    def rows(self, path: str, platform: str = "") -> list[dict[str, str]]:
        """The rows of the file of a list."""
        text = self.page(f"{path}{'&' if '?' in path else '?'}format=csv", platform).removeprefix("\ufeff")
        return list(csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ","))

    def api(self, path: str, client: str, items: str = "") -> Any:
        """The answer; with the name of its items, those of all its pages."""
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": self.secrets[client]}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        token = orjson.loads(self._call("POST", "/oauth/token", urlencode(form), **kind))["access_token"]
        answer = orjson.loads(self._call("GET", path, Authorization=f"Bearer {token}"))
        if not items:
            return answer
        found = [*answer[items]]
        while answer.get("more"):
            follow = f"{path}{'&' if '?' in path else '?'}{urlencode({'cursor': answer['cursor']})}"
            answer = orjson.loads(self._call("GET", follow, Authorization=f"Bearer {token}"))
            found += answer[items]
        return found


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    secrets: dict[str, str] = {}
    with deployment(tmp_path_factory.mktemp("gateway"), secrets) as address:
        yield Gateway(address, secrets)


def facts(text: str) -> list[int]:
    """The large numbers of a page, in their order."""
    return [int(re.sub(r"\D", "", one)) for one in re.findall(r"<dd><b>([\d\s\u00a0\u202f]+)</b>", text)]


def heading_number(text: str) -> int:
    """The number with which a list is headed."""
    found = re.search(r">\s*(\d[\d\u00a0\u202f]*)[\s\u00a0](?:offres?|offers?)", text)
    assert found is not None, text[:2_000]
    return int(re.sub(r"\D", "", found[1]))


def ids(items: list[dict[str, Any]], member: str = "id") -> Counter[Any]:
    return Counter(one[member] for one in items)


def offers_of(gateway: Gateway, platform: str, reader: str) -> list[dict[str, Any]]:
    return list(gateway.api(f"/v1/offers?platform={platform}&territory=all", reader, "offers"))


LISTS: Mapping[str, tuple[Callable[[Gateway], Counter[Any]], Callable[[Gateway], Counter[Any]]]] = {
    "platforms": (
        lambda gateway: ids(gateway.rows("/exploitation/plateformes", OPERATOR.platform), "Identifiant"),
        lambda gateway: ids(gateway.api("/v1/partners", OPERATOR.platform)["partners"], "platform"),
    ),
    "journal": (
        lambda gateway: Counter(
            int(one["Numéro"]) for one in gateway.rows("/exploitation/registre", OPERATOR.platform)
        ),
        lambda gateway: ids(gateway.api("/v1/journal", OPERATOR.platform, "journal"), "number"),
    ),
    "requests": (
        lambda gateway: Counter(set(re.findall(_REQUEST, gateway.page("/exploitation/demandes", OPERATOR.platform)))),
        lambda gateway: ids(gateway.api("/v1/requests", OPERATOR.platform)["requests"]),
    ),
    "own offers": (
        lambda gateway: ids(gateway.rows("/plateforme/offres", _OWN), "Identifiant"),
        lambda gateway: ids(offers_of(gateway, _OWN, _OTHER)),
    ),
    "public offers": (
        lambda gateway: ids(gateway.rows("/offres"), "Identifiant"),
        lambda gateway: ids(offers_of(gateway, _OWN, _OTHER)),
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_what_the_api_has(gateway: Gateway, name: str) -> None:
    on_page, answered = LISTS[name]
    assert (found := answered(gateway))
    assert found == on_page(gateway)


def test_the_home_page_counts_the_live_offers(gateway: Gateway) -> None:
    live = len(offers_of(gateway, _OWN, _OTHER)) + len(offers_of(gateway, _OTHER, _OWN))
    assert live == facts(gateway.page("/"))[0]


def test_numbers_of_refusals_are_those_of_the_statistics(gateway: Gateway) -> None:
    found = gateway.api("/v1/statistics?group=platform,verdict,rule", OPERATOR.platform)["statistics"]
    refused: Counter[str] = Counter()
    for one in found:
        if one["verdict"] in {"refused", "rejected"} and one.get("rule"):
            refused[one["platform"]] += one.get("offers", one["count"])
    assert refused[_OWN]
    assert refused.total() == heading_number(gateway.page("/exploitation/refus?days=30", OPERATOR.platform))
    assert refused[_OWN] == facts(gateway.page("/plateforme", _OWN))[1]
    rows = gateway.rows("/exploitation/refus?days=30", OPERATOR.platform)
    assert refused.total() == sum(int(one["Offres"]) for one in rows)


def test_numbers_of_the_national_site_are_those_of_the_api(gateway: Gateway) -> None:
    text = gateway.page("/exploitation/site-national", OPERATOR.platform)
    found = gateway.api("/v1/national", OPERATOR.platform)
    queue, states = found["accounts"][0]["queue"], found["platforms"][0]["states"]
    words = texts_of("national", "fr")
    assert all(f"{number} {words(f'queue_{kind}')}" in unescape(text) for kind, number in queue.items() if number)
    row = text.partition('role="rowheader">Bretagne')[2].partition("</tr>")[0]
    on_page = {name: states.get(name) for name in ("delivered", "pending", "refused", "not-deliverable", "moderated")}
    assert [number for number in on_page.values() if number] == [
        int(one) for one in re.findall(r'class="n"[^>]*>(\d+)<', row)
    ]


def test_numbers_of_a_platform_are_those_of_the_api(gateway: Gateway) -> None:
    live, refused, national = facts(gateway.page("/plateforme", _OWN))
    status = next(one for one in gateway.api("/v1/platforms", _OWN)["platforms"] if one["platform"] == _OWN)
    assert (live, national) == (status["live"], status["details"]["delivered"])
    found = gateway.api("/v1/statistics", _OWN)["statistics"]
    assert refused == sum(one["count"] for one in found if one["verdict"] in {"refused", "rejected"})
    rows = gateway.rows("/plateforme/statistiques?days=30", _OWN)
    assert Counter({(one["day"], one["verdict"]): one["count"] for one in found}) == Counter(
        {(one["day"], one["verdict"]): int(one["count"]) for one in rows}
    )


def test_live_offers_that_a_rule_will_refuse_are_those_of_the_api(gateway: Gateway) -> None:
    warned = gateway.api("/v1/impact", OPERATOR.platform)["warned"]
    assert warned
    found: Counter[str] = Counter()
    for one in gateway.rows("/exploitation/evolutions", OPERATOR.platform):
        found[one["Code"]] += int(one["Offres"])
    assert Counter({one["rule"]: one["offers"] for one in warned}) == found


PARTS: Mapping[str, tuple[str, ...]] = {
    "": ("/", "/en/", "/offres", "/en/offers", "/regions/53", "/en/regions/53", "/departements/35", "/departements/14"),
    OPERATOR.platform: ("/exploitation", "/exploitation/refus", "/exploitation/refus?days=30"),
}
_ROW = re.compile(r"<tr\b(?:(?!</tr>).)*</tr>|<a [^>]*>(?:(?!</a>).)*</a>", re.DOTALL)
_PART = re.compile(r'href="((?:/offres|/en/offers|/exploitation/refus)\?[^"]+)"')
_LINKED = re.compile(r">(\d+)(?:<span[^>]*>[^<]*</span>)?</a>")
_NUMBER = re.compile(r">(\d+)</td>|(?:^|[>\s:])(\d+)[\s\u00a0](?:offres?|offers?)\b")


@pytest.mark.parametrize("platform", PARTS)
def test_a_link_to_a_part_of_a_list_says_how_many_are_there(gateway: Gateway, platform: str) -> None:
    """Of a row or a link: the number that is linked, else the one before *offres* or in the first cell."""
    linked: dict[str, set[int]] = {}
    for address in PARTS[platform]:
        for row in _ROW.findall(gateway.page(address, platform)):
            links, numbers = set(_PART.findall(row)), _LINKED.findall(row) or _NUMBER.findall(row)
            if len(links) == 1 and numbers:
                linked.setdefault(unescape(links.pop()), set()).add(int("".join(numbers[0])))
    assert len(linked) > 3
    assert {one: {heading_number(gateway.page(one, platform))} for one in linked} == linked
