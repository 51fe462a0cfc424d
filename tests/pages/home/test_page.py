"""The home page over HTTP, in both languages: its figures are those of the offers, each picture has its table, and of
the systems it says one word each (SEC-014).
"""

import asyncio
import re
from collections import Counter
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from demo.generator import generate
from gateway.federation.figures import Figures, PublicFigures
from gateway.operate.health import HealthTerms
from gateway.pages.base.wording import number
from gateway.pages.home.view import pages
from gateway.pages.map.outlines import drawn_departments
from gateway.pages.site import PageSite
from gateway.partners.onboarding import DEFAULT_SCOPES
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from schemas.rulebook import LANGUAGES, Language
from tests.pages.home.test_model import AT, SYSTEMS, counts
from tests.pages.site import PageHarness, opened

pytestmark = pytest.mark.slow

PATHS: dict[Language, str] = {"fr": "/", "en": "/en/"}
WORDS: dict[Language, tuple[str, str]] = {
    "fr": ("à jour", "pas encore relié"),
    "en": ("up to date", "not yet connected"),
}
HTML = {"Accept": "text/html"}


async def published(site: PageHarness) -> list[dict[str, object]]:
    """Offers of Bretagne, published over the API; one of them is reserved for a school, one for no reader."""
    now = site.harness.federation.clock()
    await site.harness.federation.partners.save(
        Partner(platform="bretagne", name="Bretagne – IDÉO", scopes=DEFAULT_SCOPES)
    )
    offers = [one.document for one in generate(3, "bretagne", 42, date.fromisoformat(paris_date(now)), wrong=0)]
    offers[0]["restrictions"] = {"schools": ["0750655E"]}
    offers[1]["redistribution"] = {"regions": False, "national": False}
    answer = await site.client.post(
        "/v1/offers/batch",
        json=offers,
        headers={"Authorization": "Bearer bretagne", "Prefer": "wait=20"},
    )
    body = await answer.json()
    assert 200 == answer.status, body
    ends = await site.harness.federation.log.ends("offers")
    assert await site.harness.federation.offers.reached(ends, 10)
    return offers[2:]


async def text_of(site: PageHarness, path: str) -> str:
    answer = await site.client.get(path, headers=HTML)
    assert 200 == answer.status
    return unescape(await answer.text())


def rows(text: str, table: str) -> list[list[str]]:
    """The cells of a table's rows, without markup."""
    found = text.partition(f'id="{table}"')[2].partition("</table>")[0]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", found, re.DOTALL)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_figures_are_those_of_the_offers_that_everybody_may_see(tmp_path: Path, language: Language) -> None:
    async with opened(tmp_path) as site:
        offers = await published(site)
        text = await text_of(site, PATHS[language])
    assert f"<b>{number(len(offers), language)}</b>" in text
    levels = Counter(level for offer in offers for level in offer["levels"])  # type: ignore[attr-defined]
    total = rows(text, "sectors")[-1]
    assert [str(levels[one]) for one in ("seconde", "troisieme", "quatrieme")] == [total[1], total[3], total[5]]
    regions = {row[0]: row[-1] for row in rows(text, "territory") if len(row) > 1}
    whole = regions.pop("France entière" if language == "fr" else "All of France")
    assert str(len(offers)) == whole
    assert len(offers) == sum(int(figure) for figure in regions.values() if figure.isdecimal())
    systems = dict(rows(text, "systems"))
    fresh, missing = WORDS[language]
    assert fresh == systems.pop("Bretagne – IDÉO")
    assert 12 == len(systems)
    assert all(word.startswith(missing) for name, word in systems.items() if name not in {"Système", "System"})


async def test_every_picture_has_its_table(tmp_path: Path) -> None:
    """The titles of the shapes are the rows of the table: of the map, of the inset of Paris, of the overseas ones."""
    async with opened(tmp_path) as site:
        await published(site)
        text = await text_of(site, "/")
    table = {row[0]: row[-1] for row in rows(text, "departments-figures")[1:-1]}
    assert 101 == len(table)
    titles = Counter(re.findall(r"<title>([^<]+)\u00a0: (\S+) offres?</title>", text))
    shapes = dict(titles.keys())
    assert len(drawn_departments()) == len(shapes)
    assert shapes == {re.sub(r" \S+$", "", name): figure for name, figure in table.items()}
    assert 101 + 9 == titles.total()
    classes = re.findall(r'<path class="k(\d)"', text)
    assert 101 + 9 == len(classes)
    assert {"0"} < set(classes)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_of_a_system_the_page_says_one_word_and_no_time(tmp_path: Path, language: Language) -> None:
    """SEC-014: neither when it last exchanged, nor why it does not, nor how many of its offers were refused."""
    async with opened(tmp_path) as site:
        await published(site)
        text = await text_of(site, PATHS[language])
    listed = text.partition('id="systems"')[2].partition("</table>")[0]
    assert not re.search(r"\d{1,2}(\u00a0h\u00a0|:)\d\d", listed)
    words = re.sub(r"<[^>]+>", " ", listed)
    assert {"1"} == set(re.findall(r"\d+", words)), "1 élève 1 stage"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_renews_itself_and_can_be_paused(tmp_path: Path, language: Language) -> None:
    async with opened(tmp_path) as site:
        text = await text_of(site, PATHS[language])
    assert 'data-live-button="5"' in text
    parts = re.findall(r"data-live id=\"([a-z-]+)\"", text)
    assert {"facts", "territory", "departments-figures", "systems", "sectors", "sectors-figures"} == set(parts)
    assert len(parts) == len(set(parts))


async def test_visitors_share_the_figures_of_five_seconds_and_never_those_of_a_view_behind(tmp_path: Path) -> None:
    async with opened(tmp_path) as site:
        figures = Figures(site.harness.federation)
        first, *others = await asyncio.gather(*(figures.get() for _ in range(20)))
        assert first is not None
        assert [first] * 19 == others
        assert all(one is first for one in others)
        view = site.harness.federation.runs.updated
        view.caught_up = False
        assert await figures.get() is None
        view.caught_up = True
        assert await figures.get() is not None


class Given(Figures):
    """Figures of a test's choice."""

    def __init__(self, *given: PublicFigures) -> None:
        self.given = given

    async def get(self) -> PublicFigures | None:
        return self.given[0] if self.given else None


async def served(figures: Figures) -> "TestClient[web.Request, web.Application]":
    app = web.Application()
    for method, path, handler in PageSite(
        pages(figures, HealthTerms()), public_url="https://gateway.example", source="https://code.example/"
    ).routes():
        app.router.add_route(method, path, handler)
    return TestClient(TestServer(app))


async def test_a_gateway_that_is_not_ready_says_so() -> None:
    async with await served(Given()) as client:
        answer = await client.get("/", headers=HTML)
        assert (503, "2") == (answer.status, answer.headers["Retry-After"])


async def test_the_page_is_that_of_the_newest_facts() -> None:
    """Rendered once for the same facts, in each language, and for each query."""
    known = [PublicFigures(at=AT, counts=counts({"29": number}), readable=0, systems=SYSTEMS) for number in (3, 4)]
    figures = Given()
    async with await served(figures) as client:

        async def total(path: str) -> str:
            text = await (await client.get(path, headers=HTML)).text()
            return text.partition("<dd><b>")[2].partition("</b>")[0]

        for current in (known[0], known[0], known[1], known[0]):
            figures.given = (current,)
            offers = str(current.counts.total)
            assert [offers] * 4 == [await total(path) for path in ("/", "/en/", "/", "/?a=1")]
        assert "a=1" not in await (await client.get("/?a=1")).text()
        assert b"" == await (await client.head("/")).read()
        tag = (await client.get("/")).headers["ETag"]
        assert 304 == (await client.get("/", headers={"If-None-Match": tag})).status
        figures.given = (known[1],)
        assert 200 == (await client.get("/", headers={"If-None-Match": tag})).status


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr", ["aucune offre", "1 à 199", "200 à 349", "350 à 599", "600 à 999", "1\u202f000 et plus"]),
        ("en", ["no offer", "1 to 199", "200 to 349", "350 to 599", "600 to 999", "1,000 or more"]),
    ],
)
async def test_the_legend_and_an_unknown_department(language: Language, expected: list[str]) -> None:
    """Nothing is lost: collectivities have a row, and offers of no department one together."""
    given = PublicFigures(at=AT, counts=counts({"29": 64_000, "975": 7, "00": 3}), readable=0, systems=SYSTEMS)
    async with await served(Given(given)) as client:
        text = unescape(await (await client.get(PATHS[language], headers=HTML)).text())
    legend = text.partition('class="legend"')[2].partition("</ul>")[0]
    assert expected == re.findall(r"<b>([^<]+)</b>", legend)
    table = {row[0]: row[-1] for row in rows(text, "departments-figures")}
    assert ("64,000" if language == "en" else "64\u202f000") == table["Finistère 29"]
    assert "7" == table["Saint-Pierre-et-Miquelon 975"]
    assert "3" == table["Sans département" if language == "fr" else "Without a department"]
