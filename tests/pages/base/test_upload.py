"""Forms of visitors: read into memory within bounds, split strictly, and refused with a sentence."""

import time
from contextlib import suppress

import pytest

from gateway.pages.base.refusal import PageRefusedError
from gateway.pages.base.upload import FormPart, parse_form

KIND = "multipart/form-data; boundary=xyz"


def form_of(*parts: tuple[str, bytes], end: bytes = b"--") -> bytes:
    written = b"".join(
        b"--xyz\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + body + b"\r\n"
        for head, body in parts
    )
    return written + b"--xyz" + end + b"\r\n"


def refused(content_type: str, body: bytes) -> str:
    with pytest.raises(PageRefusedError) as error:
        parse_form(content_type, body)
    return error.value.code


def test_texts_and_files_are_split_and_file_names_are_not_kept() -> None:
    body = form_of(
        ('name="text"', b'{"a": 1}\r\n--xy\r\n'),
        ('name="file"; filename="canary.json"\r\nContent-Type: application/json', b"\x00\xff\r\n"),
        ('name="empty"', b""),
    )
    form = parse_form('multipart/form-data; charset=utf-8; boundary="xyz"', body)
    assert form.parts == (
        FormPart("text", b'{"a": 1}\r\n--xy\r\n'),
        FormPart("file", b"\x00\xff\r\n"),
        FormPart("empty", b""),
    )
    assert "canary" not in repr(form)
    assert form.content("file") == b"\x00\xff\r\n"
    assert form.content("none") == b""


def test_a_line_that_begins_like_the_delimiter_is_no_content() -> None:
    """RFC 2046, 5.1.1: browsers draw a delimiter that begins no line of the form."""
    assert "form-malformed" == refused(KIND, form_of(('name="text"', b"a\r\n--xyzabc\r\nb")))


def test_a_preamble_and_padding_after_the_delimiter_are_skipped() -> None:
    body = b"preamble\r\n" + form_of(("name=text", b"a")).replace(b"--xyz\r\n", b"--xyz \t\r\n", 1)
    assert parse_form(KIND, body).text("text") == "a"


def test_an_urlencoded_form_is_read_byte_by_byte() -> None:
    form = parse_form("application/x-www-form-urlencoded; charset=UTF-8", b"text=%7B%ff+%C3%A9&format=auto&text=2")
    assert form.content("text") == b"{\xff \xc3\xa9"
    assert form.text("format") == "auto"


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("", b"", "form-type"),
        ("application/json", b"{}", "form-type"),
        ("multipart/mixed; boundary=xyz", form_of(), "form-type"),
        ("multipart/form-data", form_of(), "form-malformed"),
        ("multipart/form-data; boundary=", form_of(), "form-malformed"),
        ("multipart/form-data; boundary=" + "x" * 71, form_of(), "cut-off"),
        (KIND, b"", "cut-off"),
        (KIND, b"no delimiter at all", "cut-off"),
        (KIND, form_of(('name="text"', b"a"), end=b""), "cut-off"),
        (KIND, form_of(('name="text"', b"a"))[:-12], "cut-off"),
        (KIND, b'--xyz\r\nContent-Disposition: form-data; name="text"', "cut-off"),
        (KIND, b"--xyz\r\nContent-Type: text/plain\r\n\r\na\r\n--xyz--", "form-malformed"),
        (KIND, form_of(("filename=a", b"a")), "form-malformed"),
        (KIND, form_of((f'name="{"n" * 300}"', b"a")), "form-malformed"),
        (KIND, form_of(('name="t"\r\nContent-Transfer-Encoding: base64', b"YQ==")), "form-malformed"),
        (KIND, form_of((f'name="t"\r\nX-Long: {"x" * 9_000}', b"a")), "form-malformed"),
        (KIND, form_of(*[('name="t"', b"")] * 257), "form-malformed"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 257), "form-malformed"),
        ("application/x-www-form-urlencoded", b"a=" + b"%41" * 100_000, "too-large"),
    ],
)
def test_a_malformed_form_is_refused(content_type: str, body: bytes, code: str) -> None:
    assert refused(content_type, body) == code


def seconds(kind: str, body: bytes) -> float:
    """The least processor time of three tries to parse a form, refused or not."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        with suppress(PageRefusedError):
            parse_form(kind, body)
        spent.append(time.thread_time() - began)
    return min(spent)


HOSTILE = {
    "false delimiters": (KIND, form_of(('name="t"', b"\r\n--xyzz" * 120_000))),
    "shortest false delimiters": ("multipart/form-data; boundary=a", b"--a\r\n\r\n\r\n" + b"\r\n--aa" * 160_000),
    "almost delimiters": (KIND, form_of(('name="t"', b"\r\n--xy" * 140_000))),
    "line breaks": (KIND, form_of(('name="t"', b"\r\n" * 500_000))),
    "fields": (KIND, form_of(*[('name="t"', b"")] * 15_000)),
    "blank lines": (KIND, b"--xyz" + b"\r\n\r\n" * 250_000),
    "names": (KIND, form_of(('name="' * 1_100, b""))),
    "backslashes": (KIND, form_of(('name="' + "\\" * 8_000, b""))),
    "ampersands": ("application/x-www-form-urlencoded", b"&" * 190_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_form_costs_no_more_than_reading_it_a_few_times(name: str) -> None:
    """A sound form of that size is copied twice."""
    sound = seconds(KIND, form_of(*[(f'name="{number}"', b"x" * 5_000) for number in range(200)]))
    assert 6 * sound > seconds(*HOSTILE[name])


@pytest.mark.parametrize("code", ["too-large", "too-slow", "busy", "address-busy", "form-malformed", "failed"])
def test_every_refusal_speaks_both_languages(code: str) -> None:
    error = PageRefusedError(code, most="1 MiB", seconds=5, retry_after=5)
    french, english = error.sentence("fr"), error.sentence("en")
    assert french.message != english.message
    assert french.step
    assert english.step
    assert error.headers == {"Retry-After": "5"}
    assert error.status in {400, 408, 413, 415, 429, 503}
