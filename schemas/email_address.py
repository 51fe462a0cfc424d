"""E-mail addresses in a folded text, plain or disguised, such as ``x (at) y.fr`` or ``x arobase y point fr`` (OFR-034).

Each at sign, or word for it, is looked at with the domain behind it and the name before it, both of bounded length.
"""

import re
from collections.abc import Iterator

_BEFORE = 160

_KNOWN = (
    r"(?:fr|com|org|net|eu|bzh|re|gp|mq|gf|yt|pm|nc|pf|wf|info|pro|biz|io|co|coop|asso|corsica|alsace|paris|be|ch|lu|de|it"
    r"|es|uk|pt|nl|ca|app|dev|tech|email|example|test|edu|gouv|cat|me|tv)(?![\w-])"
)
_FILES = r"(?:js|mjs|css|png|jpe?g|gif|svg|webp|pdf|php|zip|xml|json)(?!\w)"
_LABEL = r"[^\W_][\w-]{0,62}"
_DOT = (
    r"(?:\s{0,3}\.\s{0,3}|\s{0,3}[(\[{]\s?(?:\.|dot|point|pt)\s?[)\]}]\s{0,3}"
    r"|\s{1,3}(?:dot|point)\s{1,3}|(?<=\w),(?=\w))"
)
_PLAIN_DOMAIN = re.compile(rf"[^\W_](?:[\w-]{{0,62}}\.){{1,9}}(?!{_FILES})[^\W\d_]{{2,24}}+(?!\.{_FILES})")
_SPACED_DOMAIN = re.compile(rf"(?:{_LABEL}{_DOT}){{1,8}}?{_KNOWN}", re.IGNORECASE)
_KNOWN_END = re.compile(rf"\.{_KNOWN}\Z", re.IGNORECASE)
_OPEN_DOMAIN = re.compile(
    r"[^\W_][\w-]{0,40}\s(?:fr|com|org|net)(?![\w-])"
    r"|(?:gmail|hotmail|outlook|yahoo|orange|wanadoo|laposte|protonmail|icloud|sfr)(?![\w.-])"
    r"|\[?\d{1,3}(?:\.\d{1,3}){3}\]?(?![\w.])",
    re.IGNORECASE,
)
_SPELLED_DOT = re.compile(r"\b(?:dot|point)\b", re.IGNORECASE)

_SIGN = re.compile(r"@{1,3}")
_BRACKETED = re.compile(
    r"[(\[{«\"'*-]\s{0,2}(?:arr?obas(?:e|es)?|@|at|a commercial)\s{0,2}[)\]}»\"'*-]|(?<=[^\W_])\(a\)(?=[^\W_])",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![^\W_])(?:arr?obas(?:e|es)?|a commercial)(?![^\W_])", re.IGNORECASE)
_AT = re.compile(r"(?<=\s)at(?=\s)|(?<=[^\W_])_at_(?=[^\W_])|(?<=[^\W_])-at-(?=[^\W_])", re.IGNORECASE)

# Names are matched backwards, from the sign on.
_NAME = re.compile(r"\s{0,3}(?:[\w+.~-][\w.!#$%'+^~-]{0,63}|\"[^\"\n]{1,64}\")")
_ELISION = re.compile(r"(?:[cdjlmnst]|qu)'", re.IGNORECASE)
_SPELLED_NAME = re.compile(
    r"\s{0,3}[^\W_][\w.+-]{0,63}(?:\s{1,2}(?:tniop|tod|(?:sab )?terit|erocsrednu)\s{1,2}[^\W_][\w+-]{0,30}){0,3}",
    re.IGNORECASE,
)
_SOCIAL = re.compile(
    r"(?<!\w)(?:instagram|insta|twitter|x|tiktok|facebook|linkedin|youtube|mastodon|bluesky|threads"
    r"|r[ée]seaux?(?: sociaux)?|suive[rz](?:-nous)?|abonne[rz]|compte|cha[îi]ne|page|profil"
    r"|via|sur)[\W_]{0,3}(?:notre |nos )?[\W_]{0,2}\Z",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    ("us", "me", "look", "visit", "online", "site", "more", "out", "him", "her", "them", "sign", "shop")
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """The spans of e-mail addresses, which may overlap. ``text`` is folded."""
    for sign in _SIGN.finditer(text):
        yield from _around_sign(text, sign)
    for sign in _BRACKETED.finditer(text):
        yield from _around_word(text, sign, _SPELLED_NAME, dotted=sign.group()[0] == "-")
    for sign in _WORD.finditer(text):
        yield from _around_word(text, sign, _SPELLED_NAME, dotted=False)
    for sign in _AT.finditer(text):
        yield from _around_word(text, sign, _SPELLED_NAME, dotted=sign.group()[0] != "_")


def _around_sign(text: str, sign: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The address around an at sign. ``@name`` behind a blank is an account on a social network, unless it ends like
    the name of a host.
    """
    end = _end_of_domain(text, sign.end(), near=not text[sign.start() - 1 : sign.start()].isspace())
    if end is None:
        return
    before = text[max(0, sign.start() - _BEFORE) : sign.start()]
    name = _NAME.match(before[::-1])
    if name is None:
        return
    start = sign.start() - name.end()
    handle = before[-1:].isspace() and not text[sign.end()].isspace()
    if handle and (not _KNOWN_END.search(text[sign.end() : end]) or _SOCIAL.search(before)):
        return
    elided = _ELISION.match(text, start)
    yield start if elided is None else elided.end(), end


def _around_word(text: str, sign: re.Match[str], names: re.Pattern[str], *, dotted: bool) -> Iterator[tuple[int, int]]:
    """The address around a word for the at sign; one that is a word of English as well needs a name with a dot, or a
    domain with its dots in words.
    """
    end = _end_of_domain(text, sign.end(), near=False)
    if end is None:
        return
    name = names.match(text[max(0, sign.start() - _BEFORE) : sign.start()][::-1])
    if name is None:
        return
    said = name.group()[::-1].strip().lower()
    if said.startswith(("www.", "http")) or said in _NO_NAMES:
        return
    if dotted and not _is_dotted(said) and not _SPELLED_DOT.search(text, sign.end(), end):
        return
    yield sign.start() - name.end(), end


def _is_dotted(name: str) -> bool:
    """Whether a name is like ``jean.martin``, and no number or abbreviation."""
    first, _, last = name.partition(".")
    return any(map(str.isalpha, first)) and any(map(str.isalpha, last))


def _end_of_domain(text: str, at: int, *, near: bool) -> int | None:
    """Where the domain ends that begins there, behind at most three blanks. ``near``: nothing is between it and the
    name, so that it may also lack its last dot.
    """
    begin = at
    while begin < at + 3 and text[begin : begin + 1].isspace():
        begin += 1
    plain = _PLAIN_DOMAIN.match(text, begin)
    if plain is not None and _KNOWN_END.search(plain.group()):
        return plain.end()
    spaced = _SPACED_DOMAIN.match(text, begin)
    if plain is not None:
        return max(plain.end(), spaced.end()) if spaced is not None else plain.end()
    if spaced is not None:
        return spaced.end()
    opened = _OPEN_DOMAIN.match(text, begin) if near and begin == at else None
    return None if opened is None else opened.end()
