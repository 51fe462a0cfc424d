"""Offers as RSS 2.0: well formed with any texts, and escaped for readers that parse HTML."""

import html
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from adapters.rendering import renderings
from tests.rendering.samples import TEXTS, bare, document

RSS = renderings("https://gateway.example/?a=1&b=2")["rss"]
OWN = "{urn:fr:stages:offer}"
NOT_XML = {0: 0xFFFD, 7: 0xFFFD, 0xFFFE: 0xFFFD}


def channel(*documents: dict[str, Any]) -> Any:
    return ET.fromstring(RSS.begin + RSS.between.join(map(RSS.item, documents)) + RSS.end)[0]


def test_the_channel_has_the_elements_that_rss_requires() -> None:
    found = channel()
    assert ["title", "link", "description", "language"] == [element.tag for element in found]
    assert "https://gateway.example/?a=1&b=2" == found.find("link").text


def test_an_item_has_the_content_of_its_offer() -> None:
    item = channel(document()).find("item")
    assert ("bretagne:1", "false") == (item.find("guid").text, item.find("guid").get("isPermaLink"))
    assert ("Observer le travail d'une menuiserie", "https://stages.example/1") == (
        item.find("title").text,
        item.find("link").text,
    )
    assert "Fri, 15 Jan 2027 08:00:00 +0000" == item.find("pubDate").text
    own = [(element.tag.removeprefix(OWN), element.text) for element in item if element.tag.startswith(OWN)]
    assert {
        ("employer_name", "Menuiserie Le Goff"),
        ("postal_code", "35000"),
        ("latitude", "48.117"),
        ("region", "53"),
        ("level", "troisieme"),
        ("level", "seconde"),
        ("week", "2027-W24"),
        ("week", "2027-W25"),
        ("seats", "2"),
        ("restriction", "rep"),
        ("school", "0350002B"),
        ("possible_duplicate", "normandie:7"),
    } <= set(own)


def test_hidden_fields_are_absent() -> None:
    """RTE-005."""
    tags = {element.tag.removeprefix(OWN) for element in channel(bare()).find("item")}
    assert {"employer_name", "employer_siret", "street", "latitude", "possible_duplicate"}.isdisjoint(tags)
    assert {"title", "postal_code", "city"} <= tags


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_is_found_again_and_is_never_markup(text: str) -> None:
    """RTE-012: in XML, and once more for clients that parse the description as HTML."""
    item = channel(document(title=text, description=text, employer={"name": text})).find("item")
    possible = text.translate(NOT_XML)
    assert (possible, possible) == (item.find("title").text, item.find(f"{OWN}employer_name").text)
    seen = item.find("description").text
    assert "<" not in seen.replace("<br>", "")
    assert possible == html.unescape(seen.replace("<br>", "\n"))
