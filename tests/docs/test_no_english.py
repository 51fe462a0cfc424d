"""No English words in French sentences: templates, alone and with real values."""

import errno
import importlib
import json
import os
import pkgutil
import re
import socket
from collections.abc import Iterator
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from multidict import MultiDict

import gateway.cli
from adapters.profile.profile import read_profile
from adapters.transport.feed import FeedError, _words
from gateway.api.problem import ProblemError, problem_document
from gateway.api.query import _CANONICAL, read_changes_query, read_offers_query, refuse_parameters
from gateway.protocol.partner import Partner
from schemas.bilingual import certificate_reason, system_reason
from tests.docs.test_french import FILES, french
from tests.formats.feeds import flat, items
from tests.schemas.documents import ON, WHOLE

_ENGLISH = re.compile(
    r"\b(the|is|are|was|not|of|and|with|this|that|must|line|lines|expected|too|string|strings|object|array|boolean|"
    r"integer|number|found|missing|refused|failed|error|timed out|timeout|connection|directory|unknown|deep|"
    r"west|east|north|south|row|nested|endless|mismatched|invalid|given|from|by|it|be|should|does|did|no|such|or|"
    r"denied|permission|reset|unreachable|malformed|unexpected|wrong|value|values|local_id|certificate|"
    r"self-signed|end|closed|disconnected|expired)\b"
)
_CODE = re.compile(
    r"`[^`]*`|«[^»]*»|https?://\S+|/[a-z_{.]\S*|--?[a-z][-a-z]*|\b[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)+\b|\b[A-Z]+_[A-Z_]+\b|"
    r"permise \([^)]*\)|passerelle(?:-conformance)? [a-z ]+|\b\w+\.(?:md|json|toml|yaml|sqlite|pem)\b|"
    r"Authorization: Bearer|\{[^}]*\}"
)
"""Names of things, which no language changes: fields, values, addresses, headers, commands, files."""


def english(texts: Iterator[str] | list[str]) -> list[str]:
    """The texts that hold an English word outside of names."""
    return sorted({text for text in texts if _ENGLISH.search(_CODE.sub(" ", text))})


def test_the_search_finds_known_english_texts() -> None:
    """The search itself can fail."""
    before = [
        "Une valeur de type string est attendue, pas de type object.",
        "Le flux n’a pas la forme attendue, à la ligne 2 : nested too deep.",
        "a.example est injoignable : Connection refused.",
        "Le premier, 0 (line 2) : …",
        "Le paramètre bbox vaut 1 ; attendu : west,south,east,north (WGS 84).",
    ]
    assert sorted(before)[1:] == english(before)[1:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_template_on_file_holds_english(path: Any) -> None:
    names = {
        "requirements.json",
        "uncovered.json",
        "words.json",
        "refusals.json",
        "reading.json",
        "oauth.json",
        "titles.json",
    }
    if path.name in names or path.parent.name == "catalogue":
        assert [] == english(list(french(json.loads(path.read_bytes()))))


def test_no_word_of_the_command_line_is_english() -> None:
    texts: list[str] = []
    modules = [importlib.import_module(one.name) for one in pkgutil.iter_modules(gateway.cli.__path__, "gateway.cli.")]
    for module in modules:
        words = getattr(module, "_WORDS", None)
        if isinstance(words, dict) and "fr" in words:
            french = words["fr"]
            texts += _strings(vars(french) if isinstance(french, SimpleNamespace) else french)
    assert len(texts) > 80
    assert [] == english(texts)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


_VALUES: tuple[Any, ...] = (
    None,
    True,
    3,
    -1,
    1.5,
    1e300,
    "",
    "x",
    "x" * 5_000,
    "<b>",
    "a\x00",
    [],
    [1],
    ["x", "x"],
    {},
    {"y": 1},
)


def _damaged() -> Iterator[bytes]:
    whole = WHOLE
    for name in whole:
        for value in _VALUES:
            yield orjson.dumps({**whole, name: value})
        yield orjson.dumps({key: value for key, value in whole.items() if key != name})
    for name in ("employer", "location", "redistribution", "restrictions"):
        for inner in (*whole.get(name, {}), "other", "siret", "naf", "latitude", "insee_commune", "public"):
            for value in _VALUES:
                changed = deepcopy(whole)
                changed.setdefault(name, {})[inner] = value
                yield orjson.dumps(changed)
    yield from (
        b"",
        b"[]",
        b"3",
        b"null",
        b'"x"',
        b"{",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"\xff",
        b"[" * 200,
        b"true",
    )


def test_no_verdict_has_english_words_in_french() -> None:
    import schemas  # noqa: PLC0415  # after the others, which load it

    texts: list[str] = []
    for raw in _damaged():
        for one in schemas.check_submission(raw, on=ON).problems:
            body = one.to_json()
            texts += [body[name]["fr"] for name in ("message", "fix", "consequence") if name in body]
    assert len(set(texts)) > 60
    assert [] == english(texts)


_FEEDS = (
    ("xml", [b"<offers><offer><id>&x;</id></offer></offers>", b"<offers><offer><id>1</ids></offer></offers>"]),
    ("xml", [b"<!DOCTYPE a><a/>", b"<a>\x01</a>", b"<a>" * 5_000]),
    ("xml", [b"", b"<a>", b"<a></b>", b"<a>&x;</a>", b"<a b='1' b='2'/>", b"<a/><b/>"]),
    ("json", [b"", b"{", b"3", b"[" * 5_000, b"[{]", b'{"a": 1}', b"[1]", b"PK\x03\x04", b"<html>"]),
    ("csv", [b"", b"a;b\n1;2\n", b'a\n"x', b"\x00", b'"' + b"x" * 3_000_000]),
)  # fmt: skip


def test_no_problem_of_reading_has_english_words_in_french() -> None:
    texts: list[str] = []
    for form, feeds in _FEEDS:
        for content in feeds:
            texts += _read(form, content)
    assert len(set(texts)) > 10
    assert [] == english(texts)


def _read(form: str, content: bytes) -> Iterator[str]:
    """Problems of a feed and of its items, their locations included."""
    for item in items(content, flat(form)):
        for one in getattr(item, "problems", ()):
            yield one.to_json()["message"]["fr"]
        yield str(getattr(item, "position", ""))


def test_no_reason_of_the_system_or_of_tls_is_english_in_french() -> None:
    errors: list[Exception] = [OSError(number, os.strerror(number)) for number in errno.errorcode]
    errors += [TimeoutError(), socket.gaierror(-2, "Name or service not known"), ConnectionResetError(104, "x")]
    reasons = [system_reason(error) for error in errors]
    texts = [FeedError("feed-unreachable", host="a.example", reason=reason).words("fr") for reason in reasons]
    certificate: Any = Exception()
    for code in (0, 9, 10, 18, 19, 20, 21, 62, 99):
        certificate.verify_code = code
        texts.append(certificate_reason(certificate).fr)
    assert {"feed-unreachable"} <= _words().keys()
    assert [] == english(texts)


def test_no_refused_parameter_has_english_words_in_french() -> None:
    partner = Partner(platform="bretagne", name="B", scopes=frozenset())
    given = dict.fromkeys(("region", "department", "level", "week", "sector", "platform", "bbox", "limit", "wait"), "?")
    given |= {"territory": "?", "cursor": "", "other": "1"}
    texts: list[str] = []
    for read in (read_changes_query, read_offers_query):
        with pytest.raises(ProblemError) as refused:
            read(MultiDict(given), partner, most=1_000)
        texts += _sentences(problem_document(refused.value, "fr"))
    with pytest.raises(ProblemError) as refused:
        refuse_parameters(MultiDict({"other": "1"}))
    texts += _sentences(problem_document(refused.value, "fr"))
    assert len(texts) > 20
    assert [] == english(texts)
    assert (
        "{plateforme}:{identifiant}" in problem_document(ProblemError("id-in-path", expected=_CANONICAL), "fr")["fix"]
    )


def _sentences(document: Any) -> Iterator[str]:
    """The sentences of a problem document; ``expected`` and ``actual`` are values."""
    yield from (document[name] for name in ("title", "detail", "message", "consequence", "fix") if name in document)
    for one in document.get("problems", ()):
        yield from _sentences(one)


def test_no_fault_of_a_profile_has_english_words_in_french() -> None:
    wrong: tuple[Any, ...] = (
        [],
        3,
        {},
        {"transport": 3},
        {"platform": 3, "mapping": []},
        {"platform": "x", "transport": {"kind": "y"}},
    )
    texts = []
    for document in wrong:
        for one in read_profile(document):  # type: ignore[union-attr]  # every one of them is wrong
            body = one.to_json()
            texts += [body["message"]["fr"], body["fix"]["fr"]]
    assert texts
    assert [] == english(texts)
