"""E-mail addresses in a folded text, plain or disguised, such as ``x (at) y.fr`` or ``x arobase y point fr`` (OFR-034).

Each at sign, or word for it, is tested with the domain after it and the name before it, both of bounded length.
"""

import re
from collections.abc import Iterator

_BEFORE = 160

_KNOWN = (
    r"(?:fr|com|org|net|eu|bzh|re|gp|mq|gf|yt|pm|nc|pf|wf|info|pro|biz|io|co|coop|asso|corsica|alsace|paris|be|ch|lu|de|it"
    r"|es|uk|pt|nl|ca|app|dev|tech|email|example|test|edu|gouv|cat|me|tv)(?![\w-])"
)
_SPACED_END = r"(?:f ?r|c ?o ?m|o ?r ?g|n ?e ?t|e ?u|e ?d ?u|b ?z ?h|e ?x ?a ?m ?p ?l ?e)(?!\w)"
_FILES = r"(?:js|mjs|css|png|jpe?g|gif|svg|webp|pdf|php|zip|xml|json)(?!\w)"
_LABEL = r"[^\W_][\w-]{0,62}"
_WORD_DOT = (
    r"(?:\s{0,3}[(\[{<«\"'*-]\s?(?:\.|dot|point|pt)\s?[)\]}>»\"'*-]\s{0,3}|[\s,]{1,3}(?:dot|point|pt)[\s,]{1,3}"
    r"|[_-](?:dot|point)[_-])"
)
_DOT = rf"(?:\s{{0,3}}[.·]\s{{0,3}}|{_WORD_DOT}|(?<=\w)[,;](?=\w))"
_WORD_DASH = r"(?:\s(?:tiret|dash|hyphen|underscore)(?: du (?:6|six|bas)| bas)?\s[^\W_][\w-]{0,30}){0,2}"
_PLAIN_DOMAIN = re.compile(rf"[^\W_](?:[\w-]{{0,62}}\.){{1,9}}(?!{_FILES})[^\W\d_]{{2,24}}+(?!\.{_FILES})")
_SPACED_DOMAIN = re.compile(
    rf"(?:{_LABEL}{_WORD_DASH}{_DOT}){{1,8}}?(?:{_KNOWN}|{_SPACED_END})(?:(?:\.|{_WORD_DOT}){_KNOWN}){{0,2}}",
    re.IGNORECASE,
)
_BRACKETED_DOTS = re.compile(
    rf"{_LABEL}(?:\s?[(\[{{<]\s?(?:\.|dot|point|pt)\s?[)\]}}>]\s?[^\W\d_][\w-]{{1,24}}){{1,4}}", re.IGNORECASE
)
_LETTERS_DOMAIN = re.compile(rf"[^\W_](?: [\w-]){{1,40}} ?\. ?{_SPACED_END}", re.IGNORECASE)
_GLUED_WORD = re.compile(
    r"\.(?:fr|com|org|net|eu|bzh)(?=(?:t[ée]l|port|mob|gsm|fax|phone|mail|ou|et)(?:[^\W\d_]{0,6})\Z)", re.IGNORECASE
)
_KNOWN_END = re.compile(rf"\.{_KNOWN}\Z", re.IGNORECASE)
_WEBMAIL = (
    r"(?:gmail|hotmail|outlook|yahoo|orange|wanadoo|laposte|protonmail|icloud|sfr)"
    r"(?:[\s,;_]{1,2}(?:com|fr|net))?(?![\w.-])"
)
_WEBMAIL_HOST = re.compile(
    r"(?:gmail|hotmail|outlook|yahoo|orange|wanadoo|laposte|protonmail|icloud|sfr|free|live|neuf|bbox)\.(?:com|fr|net)(?!\w)",
    re.IGNORECASE,
)
_OPEN_END = r"(?!(?:point|dot|pt)\W)[^\W_][\w-]{0,40}[\s_-](?:fr|com|org|net)(?![\w-])"
_WORD_DOMAIN = re.compile(rf"{_OPEN_END}|{_WEBMAIL}", re.IGNORECASE)
_WEBMAIL_DOMAIN = re.compile(_WEBMAIL, re.IGNORECASE)
_OPEN_DOMAIN = re.compile(
    rf"{_OPEN_END}|{_WEBMAIL}|[^\W_][\w-]{{3,40}}(?:(?<=fr)|(?<=com)|(?<=org)|(?<=net))(?![\w.-])"
    r"|\[?\d{1,3}(?:\.\d{1,3}){3}\]?(?![\w.])",
    re.IGNORECASE,
)
_SPELLED_DOT = re.compile(r"(?<![^\W_])(?:dot|point)(?![^\W_])|[(\[{<]\s?\.\s?[)\]}>]", re.IGNORECASE)
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}

_SIGN = re.compile(r"@{1,3}")
_AROBASE = r"(?:arr?oba(?:[sz]e?s?|ce)|[aà][\s-]commercial)"
_OPEN, _CLOSE = r"[(\[{<«\"'*|/~=:^!-]{1,3}", r"[)\]}>»\"'*|/~=:^!-]{1,3}"
_BRACKETED = re.compile(
    rf"_?{_OPEN}\s{{0,2}}(?:{_AROBASE}|@t?|at|chez)\s{{0,2}}{_CLOSE}_?|[(\[{{<]{{1,2}}[aà][)\]}}>]{{1,2}}"
    r"|(?<!\w)_at_(?!\w)",
    re.IGNORECASE,
)
_WORD = re.compile(
    rf"(?<![^\W_]){_AROBASE}(?![^\W_])|(?<=[^\W_])[._-]{{1,2}}{_AROBASE}[._-]{{1,2}}(?=[^\W_])", re.IGNORECASE
)
_AT = re.compile(
    r"(?<=\s)(?:at|chez)(?=\s)|(?<=[^\W_])_{1,3}at_{1,3}(?=[^\W_])|(?<=[^\W_])-at-(?=[^\W_])", re.IGNORECASE
)

_GLUED = re.compile(r"(?<=[a-z0-9])(?:ARR?OBASE?|AT)(?=[a-z0-9])")
_GLUED_DOMAIN = re.compile(rf"[a-z0-9][a-z0-9-]{{1,62}}(?:DOT|POINT|\.)(?:[a-z0-9-]{{1,62}}\.){{0,3}}{_KNOWN}")
_A = re.compile(r"\s{1,2}à\s{1,2}(?=[0-9a-z][0-9a-z-]{0,62}\.)")
_A_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,63}(?![\w.+/:@-])")
_A_DOMAIN = re.compile(rf"[0-9a-z](?:[0-9a-z-]{{0,62}}\.){{1,9}}{_KNOWN}")
_INITIAL = re.compile(r"[b-df-hj-np-tv-xz]")
_ABBREVIATIONS = frozenset(("p.ex", "a.m", "p.m", "n.b"))
_MAILBOXES = frozenset(
    ("contact", "contacts", "info", "infos", "accueil", "rh", "drh", "recrutement", "secretariat", "stage", "stages")
)
"""Names of mailboxes, which no French sentence has before ``at``."""
_REPLACED = re.compile(r"[#\u00a7]")

_CUE = 24
_MAIL_WORD = r"(?<!\w)(?:(?:e-?)?mails?|courriels?|m[ée]l|cv|candidatures?|adresse|contact|[ée]cri(?:re|vez))"
_MAIL_LABEL = re.compile(r"(?<!\w)(?:(?:e-?)?mails?|courriels?|m[ée]l)\s?[:=]\s?\Z", re.IGNORECASE)
_MAIL_BEFORE = re.compile(rf"{_MAIL_WORD}\s?(?:[:=]|à|to|->)\s?\Z", re.IGNORECASE)
_MAIL_BESIDE = re.compile(rf"{_MAIL_WORD}\s?(?:[:=]|à|->)?\s?\Z", re.IGNORECASE)

# Names are matched backwards from the sign.
_NAME = re.compile(r"\s{0,3}(?:[\w+.~!#$%^-][\w.!#$%&'+^~-]{0,63}|\"[^\"\n]{1,64}\")")
_LETTERS_NAME = re.compile(r"\s?\w(?: (?!à)\w(?=\s|\Z))(?: (?!à)[\w.-](?=\s|\Z)){0,39}")
_GLUED_NAME = re.compile(r"[a-z0-9._+-]{2,64}")
_DOTTED_NAME = re.compile(r"\s?[a-z0-9][\w-]{0,40}\.[\w-]{0,40}[a-z](?![\w./:])", re.IGNORECASE)
_FILE_NAME = re.compile(rf"(?:{_KNOWN}|html?|{_FILES})", re.IGNORECASE)
_ELISION = re.compile(r"(?:[cdjlmnst]|qu)'", re.IGNORECASE)
_SPELLED_NAME = re.compile(
    r"[\s,]{0,3}[^\W_][\w.+-]{0,63}"
    r"(?:[\s)\]}>»\"'*,-]{1,3}(?:tniop|tod|(?:sab (?:ud )?)?terit|erocsrednu)"
    r"[\s(\[{<«\"'*,-]{1,3}[^\W_][\w+-]{0,30}){0,3}",
    re.IGNORECASE,
)
_SOCIAL = re.compile(
    r"(?<!\w)(?:instagram|insta|twitter|x|tiktok|facebook|linkedin|youtube|mastodon|bluesky|threads"
    r"|(?:suis|suive[rz]|retrouve[rz]?|rejoins|rejoigne[rz]|mentionne[rz]?|identifie[rz]?|tague[rz]?|follow|join)(?:-nous)?"
    r"|r[ée]seaux?(?: sociaux)?|abonne[rz]|compte|cha[îi]ne|page|profil"
    r"|via|sur)[\W_]{0,3}(?:notre |nos )?[\W_]{0,2}\Z",
    re.IGNORECASE,
)
_SOCIAL_AFTER = re.compile(
    r"\s(?:sur|on|via)\s(?:nos|notre|les|l')?\s?(?:r[ée]seaux|insta|tiktok|twitter|x\b|facebook|linkedin|youtube|threads)",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    (
        "et",
        "ou",
        "de",
        "sur",
        "avec",
        "notre",
        "nos",
        "le",
        "la",
        "les",
        "par",
        "via",
        "and",
        "or",
        "us",
        "me",
        "look",
        "visit",
        "online",
        "site",
        "more",
        "out",
        "him",
        "her",
        "them",
        "sign",
        "shop",
    )
)
_NO_RECIPIENTS = {
    "at": frozenset(("work", "meet", "apply", "jobs", "read", "find", "learn", "register", "buy", "order", "more")),
    "chez": frozenset(("stage", "stages", "stagiaire", "emploi", "poste", "semaine", "mission", "travail", "visite")),
}
"""Words before ``at`` or ``chez`` and a host name in sentences."""


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """The spans of e-mail addresses, which may overlap. ``text`` is folded."""
    for sign in _SIGN.finditer(text):
        yield from _around_sign(text, sign)
    for sign in _BRACKETED.finditer(text):
        yield from _around_word(text, sign, dotted=sign.group()[0] == "-")
    for sign in _WORD.finditer(text):
        yield from _around_word(text, sign, dotted=False, domain=_WORD_DOMAIN)
    for sign in _AT.finditer(text):
        yield from _around_word(text, sign, dotted=sign.group()[0] != "_")
    for sign in _A.finditer(text):
        yield from _around_a(text, sign)
    for sign in _GLUED.finditer(text):
        yield from _around_capitals(text, sign)


def find_replaced(text: str) -> Iterator[tuple[int, int]]:
    """The spans of addresses with another sign for the at sign, such as ``jean.martin#exemple.fr``. ``text`` is folded
    and not a web address, where that sign starts a fragment.
    """
    for sign in _REPLACED.finditer(text):
        domain = _PLAIN_DOMAIN.match(text, sign.end() + text[sign.end() : sign.end() + 1].isspace())
        name = _DOTTED_NAME.match(_backwards(text, sign))
        if domain is None or name is None or not _KNOWN_END.search(domain.group()):
            continue
        if not _FILE_NAME.fullmatch(name.group()[::-1].strip().rpartition(".")[2]):
            yield sign.start() - name.end(), domain.end()


def _backwards(text: str, sign: re.Match[str]) -> str:
    """The text before a sign, from the sign on: names are matched in it."""
    return text[max(0, sign.start() - _BEFORE) : sign.start()][::-1]


def _around_a(text: str, sign: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The address around ``à``, which is also before the name of a site: its name has a dot inside or is one consonant,
    or a word for e-mail and a colon are before it.
    """
    domain = _A_DOMAIN.match(text, sign.end())
    name = _A_NAME.match(_backwards(text, sign))
    if domain is None or name is None or text[domain.end() : domain.end() + 1] == "/":
        return
    written, start = name.group()[::-1], sign.start() - name.end()
    dotted = _is_dotted(written) and written not in _ABBREVIATIONS and not written.startswith("www.")
    if (
        (dotted and not _FILE_NAME.fullmatch(written.rpartition(".")[2]))
        or (_INITIAL.fullmatch(written) and not text[max(0, start - 2) : start].strip().isalnum())
        or _MAIL_LABEL.search(text, max(0, start - _CUE), start)
    ):
        yield start, domain.end()


def _around_capitals(text: str, sign: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The address around a word in capitals for the at sign, between lower-case letters."""
    domain = _GLUED_DOMAIN.match(text, sign.end())
    name = _GLUED_NAME.match(_backwards(text, sign))
    if domain is not None and name is not None:
        yield sign.start() - name.end(), domain.end()


def _around_sign(text: str, sign: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The address around an at sign. ``@name`` after a blank is an account on a social network, unless it ends like
    a host name.
    """
    near = not (text[sign.start() - 1 : sign.start()].isspace() or text[sign.end() : sign.end() + 1].isspace())
    end = _end_of_domain(text, sign.end(), _OPEN_DOMAIN if near else _WEBMAIL_DOMAIN)
    if end is None:
        return
    before = text[max(0, sign.start() - _BEFORE) : sign.start()]
    name = _LETTERS_NAME.match(before[::-1]) or _NAME.match(before[::-1])
    if name is None:
        return
    start = sign.start() - name.end()
    if before[-1:].isspace() and name.group()[::-1].strip().lower() in _NO_NAMES:
        return
    handle = before[-1:].isspace() and not text[sign.end()].isspace()
    host = _KNOWN_END.search(text[sign.end() : end]) or _SPELLED_DOT.search(text, sign.end(), end)
    if handle and (not host or _SOCIAL.search(before) or _SOCIAL_AFTER.match(text, end)):
        return
    start += text[start] == "'"
    elided = _ELISION.match(text, start)
    yield start if elided is None else elided.end(), end


def _around_word(
    text: str,
    sign: re.Match[str],
    *,
    dotted: bool,
    domain: re.Pattern[str] = _WEBMAIL_DOMAIN,
) -> Iterator[tuple[int, int]]:
    """The address around a word for the at sign. A word that is also English needs a name with a dot, or a domain with
    its dots in words.
    """
    end = _end_of_domain(text, sign.end(), domain)
    if end is None:
        return
    before = _backwards(text, sign)
    name = _LETTERS_NAME.match(before) or _SPELLED_NAME.match(before)
    if name is None or before.startswith("//", name.end()):
        return
    written = name.group()[::-1].strip().lower()
    if written.startswith(("www.", "http")) or written in _NO_NAMES:
        return
    spelled = _SPELLED_DOT.search(text, sign.end(), end) is not None
    if sign.group()[0] == "-" and (before[:1].isspace() or _WEBMAIL_HOST.match(text, sign.end())):
        dotted = False
    start = sign.start() - name.end()
    if dotted and not _is_dotted(written) and not _is_address(text, start, sign, end, spelled=spelled):
        return
    yield sign.start() - name.end(), end


def _is_address(text: str, start: int, sign: re.Match[str], end: int, *, spelled: bool) -> bool:
    """Whether ``jean at exemple.fr`` follows a word for e-mail, is alone on its line, or has its dot in a word.
    ``chez`` is also French: a dot in a word is not enough.
    """
    word = sign.group().lower()
    if spelled and word != "chez":
        return True
    name = text[start : sign.start()].strip()
    cue = max(0, start - _CUE)
    if (spelled and _MAIL_BESIDE.search(text, cue, start)) or _MAIL_LABEL.search(text, cue, start):
        return True
    if word not in _NO_RECIPIENTS or name.lower() in _NO_RECIPIENTS[word]:
        return False
    if sign.group() == "AT" and not text[start:end].isupper():
        return True
    if word == "at" and name.lower() in _MAILBOXES and _KNOWN_END.search(text[sign.end() : end]):
        return True
    if _MAIL_BEFORE.search(text, cue, start):
        return True
    begins = start == 0 or text[start - 1] == "\n"
    ends = text[end : end + 1] in ("", "\n")
    return begins and ends and name.islower() and (spelled or word == "at")


def _is_dotted(name: str) -> bool:
    """Whether a name has the form ``jean.martin`` or ``jean_martin``, and is not a number or an abbreviation."""
    first, _, last = name.replace("_", ".").partition(".")
    return any(map(str.isalpha, first)) and any(map(str.isalpha, last))


def _end_of_domain(text: str, at: int, undotted: re.Pattern[str]) -> int | None:
    """The end of the domain that begins at ``at``, after at most three blanks; None if there is none. ``undotted``
    matches a domain without its last dot.
    """
    begin = at
    while begin < at + 3 and (text[begin : begin + 1].isspace() or text[begin : begin + 1] == ","):
        begin += 1
    begin += text[begin : begin + 1] == "."
    plain = _PLAIN_DOMAIN.match(text, begin)
    if plain is not None and _KNOWN_END.search(plain.group()):
        return plain.end()
    if plain is not None and (glued := _GLUED_WORD.search(plain.group())):
        return begin + glued.end()
    spaced = _SPACED_DOMAIN.match(text, begin)
    if plain is not None:
        return max(plain.end(), spaced.end()) if spaced is not None else plain.end()
    if spaced is not None:
        return spaced.end()
    letters = _LETTERS_DOMAIN.match(text, begin)
    if letters is not None:
        return letters.end()
    bracketed = _BRACKETED_DOTS.match(text, begin)
    if bracketed is not None:
        return bracketed.end()
    closing = _BRACKETS.get(text[begin : begin + 1])
    if closing is not None and (plain := _PLAIN_DOMAIN.match(text, begin + 1)) is not None:
        return plain.end() + text.startswith(closing, plain.end())
    opened = undotted.match(text, begin)
    return None if opened is None else opened.end()
