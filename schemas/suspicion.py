"""Fast test whether a text, web address or id can hold personal data; most then skip the full search (OFR-034).

The expression is a necessary condition of all findings of ``email_address``, ``phone``, ``spelled`` and ``rules.link``:
a text without a match holds none. A test compares them. It runs as an automaton of the schema engine, in time that does
not depend on the number of its alternatives.
"""

from collections.abc import Callable

from schemas.registry import lacks, may_hold, schema

BREAK = "\nX\n"
"""Separates texts that are searched as one: no expression matches across a line feed and a letter."""

_GAP = r"[^0-9A-Za-zÀ-ÖØ-öø-ÿ²³]"
_DIGIT = "[0-9²³]"
_LETTERED = r"(?:[ .\-/_+]{0,2}[0-9OoIlœ]{2}){4}"
_NUMBERS = (
    r"(?:un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingt|trente|quarante"
    r"|soixante|nonante|octante|z[ée]r[oœ])"
)
_EMAIL = (
    "@",
    r"ar{1,2}[oœ]ba|[aà][\s+-]commercial|[(\[{<][aà][)\]}>]|[^0-9a-zß-öø-ÿ](?:at|chez)[^0-9a-zß-öø-ÿ]",
    r"(?-i:[a-z0-9](?:AT|ARR?OBA)[a-z0-9S])",
    r"[#§]\s?[^\s.#§]{1,64}\.",
    r"à\s{1,2}[0-9a-z][0-9a-z-]*\.[0-9a-z]",
)
_NATIONAL = (
    rf"(?:^|[^0-9])0(?:{_GAP}*{_DIGIT}){{9}}",
    r"0[1-9][\s,+]{1,2}(?:et|puis|ensuite|espace|tiret|point|slash|barre|virgule)[\s,+]{1,2}[0-9]",
)
_INTERNATIONAL = (rf"\+{_GAP}*{_DIGIT}(?:{_GAP}*{_DIGIT}){{8}}",)
_OTHER_PHONE = (
    rf"[3³]{_GAP}*[3³](?:{_GAP}*{_DIGIT}){{9}}",
    rf"(?:262|590|594|596)(?:{_DIGIT}){{9}}",
    r"(?:^|[^0-9])[0-9](?:[ .\-/+]?[0-9²³]){8}(?:[^0-9²³]|$)",
    rf"(?:^|[^0-9A-Za-z])[0oœ][1-9Il]{_LETTERED}|33[ .\-/()+0]{{0,6}}[1-9Il]{_LETTERED}",
)
_SPELLED = (
    r"z[ée]r[oœ]|plus[\s+-]{0,3}trente[\s+-]{1,2}trois",
    rf"(?:^|[^0-9A-Za-z])[0oœ](?:[0-9]|[\s.+-]){{0,12}}[^0-9a-zß-öø-ÿ]{{0,3}}(?:et[^0-9a-zß-öø-ÿ]{{1,3}})?{_NUMBERS}",
)
_HIDDEN = (
    # Characters beyond ordinary French may fold into anything (``folding.narrow``).
    "[^\x00-\x7f\u00a0-\u00ac\u00ae-\u00b8\u00bb-\u00ff\u2019\u2013\u0153\u202f\u2026\u2014\u201c\u201d\u20ac]",
    r"%[0-9A-Fa-f]{2}|&(?:#|commat|period|plus|lpar|rpar|nbsp|colon)|\\u00",
)
_LINK = ("(?:mailto|tel|smsto|sms|mms|callto|facetime|audio|whatsapp|viber|skype|sips?):",)
_MARKUP = schema("offer")["$defs"]["markup"]["pattern"]
_CONTROL = r"[\x00-\x09\x0b-\x1f\x7f]"  # other control characters are beyond ordinary French, see _HIDDEN
_SUSPICION = (*_HIDDEN, *_LINK, *_EMAIL, *_NATIONAL, *_INTERNATIONAL, *_OTHER_PHONE, *_SPELLED)


def _search(*alternatives: str) -> Callable[[str], bool]:
    """A predicate: whether any of the alternatives matches in a text. No document holds lone surrogates."""
    return may_hold("(?i)" + "|".join(alternatives))


is_plain = lacks("(?i)" + "|".join((_CONTROL, _MARKUP, *_SUSPICION)))
"""Whether a text holds no control character but line feeds, no markup, and no suspect part. The text must hold no lone
surrogates.
"""

is_suspect = _search(*_SUSPICION)
"""Whether a text can hold personal data, or characters beyond ordinary French. False for most."""

may_hold_email = _search(*_EMAIL)
may_hold_national = _search(*_NATIONAL)
may_hold_international = _search(*_INTERNATIONAL)
may_hold_other_phone = _search(*_OTHER_PHONE)
may_hold_spelled = _search(*_SPELLED)
"""One predicate per kind of finding, for folded texts."""
