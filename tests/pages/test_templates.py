"""Templates and texts: no inline style or script, both languages complete, every key used and every used key there."""

import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from jinja2 import Environment

from gateway.pages.base.static import assets
from gateway.pages.base.texts import FOLDER, texts_of
from schemas.rulebook import LANGUAGES

TEMPLATES = sorted(FOLDER.rglob("*.html"))
TEXTS = sorted(FOLDER.glob("*/texts.json"))
_KEYS = re.compile(r"""\b(t|base|texts)(?:\.([a-z_0-9]+)\b|\(\s*["']([a-z_0-9]+)["'])""")
_FAMILIES = re.compile(r"""\b(t|base|texts)\(\s*["']([a-z_0-9]+_)["']\s*~""")
_EXPRESSION = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)


def texts(path: Path) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def forms(text: Any) -> Iterator[str]:
    yield from text.values() if isinstance(text, dict) else [text]


def placeholders(text: Any) -> set[str]:
    return {name for form in forms(text) for _, name, _, _ in Formatter().parse(form) if name is not None}


class Elements(HTMLParser):
    """The elements and attributes of a template, its expressions taken out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(_EXPRESSION.sub("x", text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_a_template_needs_nothing_that_the_policy_refuses(path: Path) -> None:
    """No style, no inline script, no handler, no frame, nothing from another site; nothing is marked as safe."""
    text = path.read_text(encoding="utf-8")
    for tag, attributes in Elements(text).found:
        assert tag not in {"style", "iframe", "object", "embed", "base"}
        assert tag != "script" or "src" in attributes
        assert not [name for name in attributes if name == "style" or name.startswith("on")], (tag, attributes)
        sources = [attributes.get(name) or "" for name in ("src", "srcset", "action")]
        assert not [one for one in sources if one.startswith(("http", "//"))]
    assert path.name == "components.html" or not re.search(r"\|\s*safe\b|autoescape", text)
    Environment(autoescape=True).parse(text)


@pytest.mark.parametrize("name", assets())
def test_a_static_file_loads_nothing_else(name: str) -> None:
    text = assets()[name].body.decode()
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org/)|\beval\(|innerHTML\s*=[^=]|document\.write", text)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_texts_are_complete_in_both_languages(path: Path) -> None:
    """With the same placeholders and forms."""
    for key, entry in texts(path).items():
        assert set(LANGUAGES) == set(entry), key
        assert all(form.strip() for text in entry.values() for form in forms(text)), key
        assert placeholders(entry["fr"]) == placeholders(entry["en"]), key
        assert isinstance(entry["fr"], dict) == isinstance(entry["en"], dict), key
        if isinstance(entry["fr"], dict):
            assert {"one", "other"} == set(entry["fr"]) == set(entry["en"]), key


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_french_is_written_with_its_spaces_and_signs(path: Path) -> None:
    """U+00A0 before a colon and in quotation marks, U+202F before ; ? and !, the curved apostrophe."""
    wrong = re.compile(r"[^\u00a0\d]:(?!//|\d)|[^\u202f];|[^\u202f][?!](?!\w)|«[^\u00a0]|[^\u00a0]»|\w'\w|\.\.\.")
    for key, entry in texts(path).items():
        for form in forms(entry["fr"]):
            assert wrong.search(form) is None, f"{key}: {form}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_every_text_is_used_and_every_used_text_is_there(path: Path) -> None:
    """A text of ``base`` is used by any template; a family ``t("kind_" ~ …)`` uses every text of that beginning."""
    folder = path.parent
    shared = folder.name == "base"
    files = [one for one in FOLDER.rglob("*") if one.suffix in {".html", ".py"} and (shared or one.parent == folder)]
    used: set[str] = set()
    families: set[str] = set()
    for one in files:
        source = one.read_text(encoding="utf-8")
        own = {"base"} if one.parent != folder else {"t", "texts", *(("base",) if shared else ())}
        code = " ".join(_EXPRESSION.findall(source)) if one.suffix == ".html" else source
        used |= {dotted or called for name, dotted, called in _KEYS.findall(code) if name in own}
        families |= {family for name, family in _FAMILIES.findall(code) if name in own}
        if one.suffix == ".py" and one.parent == folder:
            used |= {key for key in texts(path) if f'"{key}"' in source}
            families |= set(re.findall(r'f"([a-z_0-9]+_)\{', source))
    present = set(texts(path))
    assert set() == {key for key in present - used if not key.startswith(tuple(families) or ("\0",))}
    if folder.name != "base":
        missing = {key for key in used - present if not key.endswith("_")}
        assert set() == missing


def test_a_text_takes_its_form_by_number_and_escapes_its_values() -> None:
    french, english = texts_of("base", "fr"), texts_of("base", "en")
    assert "Page actualisée toutes les secondes." == french("live_every", n=1)
    assert "Page actualisée toutes les 1\u202f500 secondes." == french("live_every", n=1_500)
    assert "Updated every 1,500 seconds." == english("live_every", n=1_500)
    assert "ligne &lt;b&gt;" == french("line", number="<b>")
    with pytest.raises(LookupError, match="nothing"):
        french("nothing")
    with pytest.raises(AttributeError, match="nothing"):
        _ = french.nothing


_JARGON = re.compile(
    r"\b(remise?s?|remettre|remet|nonces?|rapprochements?|jeux? complets?|récépissés?|séquences?|répliques?)\b",
    re.IGNORECASE,
)
"""French words of the protocol and of programs: transmission, numéro unique, comparaison, liste complète, accusé de
réception, ordre and processus say the same to everybody.
"""
_CODE = re.compile(r"`[^`]*`")


def sentences(found: Any, path: str) -> Iterator[tuple[str, str]]:
    """The French texts below an object, each with its place."""
    for key, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, str) and key in ("fr", "one", "other") and "/en/" not in f"{path}/":
            yield path, _CODE.sub("", value)
        else:
            yield from sentences(value, f"{path}/{key}")


@pytest.mark.parametrize(
    "path",
    [*TEXTS, FOLDER / "base/refusals.json", *sorted(FOLDER.parents[1].glob("schemas/catalogue/*.json"))],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_no_text_for_people_has_the_words_of_programs(path: Path) -> None:
    """Neither a page nor a problem that pages display; code in backquotes is copied as it is."""
    assert [] == [one for one in sentences(texts(path), "") if _JARGON.search(one[1])]
