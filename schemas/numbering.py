"""Which candidate is a phone number: its groups of digits, its separators, and the words beside it (OFR-034).

A date, opening hours, a list of rooms, a SIRET or an ISBN can have the ten digits of a phone number. Each rule looks at
a bounded part of the text, so that the search stays linear (SEC-010).
"""

import re
from functools import cached_property
from itertools import pairwise

_BEFORE, _AFTER = 70, 40
_DIGITS = re.compile(r"\d+")
_GAPS = re.compile(r"\D+")
_SAFE_SIGNS = frozenset(".-/_()[]{}")
_DATE_SIGNS = ("/", ".", "-")
_LISTING_SIGNS = frozenset(",:|")

_WORD = (
    r"(?:t[ée]l(?:[ée]phon(?:e[rzs]?|ique(?:ment)?s?|ez))?s?|phone|portables?|mobiles?|gsm|fixe|fax|t[ée]l[ée]copie(?:ur)?"
    r"|appel(?:er|ez|s|le|ant)?|joindre|joignables?|joignez|contact(?:er|ez|s)?|sms|textos?|whatsapp|compose[rz]"
    r"|rappel(?:er|ez)|num[ée]ros? de t[ée]l[ée]phone|ligne directe|call|☎|✆|📞|📱|📲|☏)"
)
_LINK = r"(?:au|le|la|du|est|n°|no|num[ée]ro|pro|perso|professionnel|personnel|direct|suivant|svp|ou|sur|:)"
_PHONE_BEFORE = re.compile(rf"(?<!\w){_WORD}[\W_]{{0,4}}(?:{_LINK}[\W_]{{0,3}}){{0,4}}\Z", re.IGNORECASE)
_PHONE_EARLIER = re.compile(rf"(?<!\w){_WORD}(?!\w)[^.;!?\n]{{0,40}}\Z", re.IGNORECASE)
_PHONE_AFTER = re.compile(
    r"[\W_]{0,3}(?:(?:par|au|mon|notre|num[ée]ro|de)\s){0,3}"
    r"(?:t[ée]l(?:[ée]phone)?|portable|mobile|gsm|sms|whatsapp|fixe)(?!\w)",
    re.IGNORECASE,
)
_LIST_AFTER = r"[\W_]{0,3}(?:n°s?|nos|num[ée]ros?|no)?[\W_]{0,3}"
_STRICT = re.compile(
    r"(?<![^\W_])(?:isbn(?:-1[03])?|issn|ean(?:-?13)?|gtin|siren|siret|iban|rib|bic|tva(?: intra\w*)?|vat"
    r"|intracommunautaire|rcs(?: \w+){0,2}|rna|finess|nic|insee|uai|adeli|rpps|kbis|duns|naf|ape"
    r"|latitude|longitude|lat|lon|lng|gps|coordonn[ée]es)"
    rf"{_LIST_AFTER}\Z",
    re.IGNORECASE,
)
_WEAK = re.compile(
    r"(?<![^\W_])(?:r[ée]f(?:[ée]rences?)?|dossier|commande|contrat|convention|facture|devis|lot|article|art|agr[ée]ment"
    r"|matricule|s[ée]rie|identifiant|id|code|client|compte|licence|inventaire|parcelle|plan|pi[èe]ce|colis|ticket|brevet"
    r"|homologation|certificat|police|adh[ée]rent|march[ée]|offre|annonce)s?(?: (?:interne|client|produit|article))?"
    rf"{_LIST_AFTER}\Z",
    re.IGNORECASE,
)
_ROOMS = (
    r"(?:salles?|chambres?|bureaux?|lots?|ateliers?|postes?|casiers?|quais?|cabines?|portes?|b[âa]timents?|semaines?"
    r"|d[ée]partements?|zones?|lignes?|rang[ée]es?|box|groupes?|tables?|codes?|pages?|fiches?|articles?|emplacements?"
    r"|stands?|hangars?|[ée]tages?|parcelles?|rayons?|all[ée]es?|voies?|bus|tirage|grille|loto|gagnants?|rooms?|classes?"
    r"|chapitres?|modules?|s[ée]quences?|[ée]tapes?|vitrines?|placards?|armoires?|dossards?|num[ée]ros?|escaliers?"
    r"|halls?|bornes?|serres?|ruches?|rames?|wagons?|v[ée]hicules?|machines?|plans?|dates?|jours?)"
)
_ROOMS_NEAR = re.compile(rf"(?<!\w){_ROOMS}(?!\w)", re.IGNORECASE)
_ROOMS_BEFORE = re.compile(
    r"(?<!\w)(?:salles|chambres|casiers|lots|semaines|pages|d[ée]partements|quais|portes|cabines|tables|fiches|rooms"
    rf"|parcelles|emplacements|dossards|wagons|armoires|vitrines){_LIST_AFTER}\Z",
    re.IGNORECASE,
)
_POST_BOX = re.compile(r"(?<!\w)(?:cs|bp|tsa|cidex|bo[îi]te postale|bureau distributeur)[\W_]{0,3}\Z", re.IGNORECASE)
_POSTCODES_BEFORE = re.compile(
    r"(?:\d{5}[\s,;/-]{1,3}|(?:code|codes|communes|postaux|postal)[\W_]{0,4})\Z", re.IGNORECASE
)
_IBAN_BEFORE = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2} ?(?:[A-Z0-9]{4} ?){0,7}[A-Z0-9]{0,3}\Z")
_VAT_BEFORE = re.compile(r"(?<![^\W_])(?:FR|BE|LU|DE|IT|ES|NL|PT|AT|IE|CHE?|GB)[ .\-]?\Z")
_FOREIGN_VAT_BEFORE = re.compile(r"(?<![^\W_])(?:BE|LU|DE|IT|ES|NL|PT|AT|IE|CHE?|GB)[ .\-]?\Z")
_CODE_BEFORE = re.compile(r"(?<![^\W_])(?!T[EÉ]L|GSM|FAX|MOB|POR)[A-Z]{1,3}\Z")
_DASHED_CODE_BEFORE = re.compile(r"(?<![^\W_])(?!T[EÉ]L|GSM|FAX|MOB|POR)[A-Z]{2,}[-_/]\Z")
_UUID = re.compile(r"(?<![^\W_])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![^\W_])", re.IGNORECASE)
_HEX_BEFORE = re.compile(r"(?<![^\W_])[0-9a-f]*[a-f]\Z", re.IGNORECASE)
_HEX_AFTER = re.compile(r"[a-f][0-9a-f]*(?![^\W_])", re.IGNORECASE)
_HASH = 16
_DATE_AT = re.compile(r"0\d([./\- ])[01]\d\1(?:19|20)\d\d(?!\d)|0\d[./\- ](?:19|20)\d\d(?!\d)")
_YEAR_BEFORE = re.compile(r"(?<!\d)(?:19|20)\d\d[./-]\Z")
_MONTH_AT = re.compile(r"0\d(?:[./-]\d\d)?(?!\d)")


class Candidate:
    """A part of a folded text with the digits of a phone number."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end
        self.body = text[start:end]
        self.groups = _DIGITS.findall(self.body)
        self.gaps = [gap.strip() for gap in _GAPS.findall(self.body)]
        self.sizes = [*map(len, self.groups)]

    @cached_property
    def before(self) -> str:
        """What precedes it, in the same text."""
        return self.text[max(0, self.start - _BEFORE) : self.start].rpartition("\0")[2]

    @cached_property
    def after(self) -> str:
        """What follows it, in the same text."""
        return self.text[self.end : self.end + _AFTER].partition("\0")[0]

    @cached_property
    def beside_word(self) -> bool:
        """Whether a word such as ``tél.`` or ``appelez le`` is right beside it."""
        return _PHONE_BEFORE.search(self.before) is not None or _PHONE_AFTER.match(self.after) is not None

    @property
    def contiguous(self) -> bool:
        """Whether its digits are in one group."""
        return len(self.groups) == 1

    @property
    def paired(self) -> bool:
        """Whether it is five pairs with the same separator."""
        return self.sizes == [2] * 5 and len(set(self.gaps)) == 1


def is_national(number: Candidate) -> bool:
    """Whether ten digits from 0 on are a French phone number."""
    signs = {sign for gap in number.gaps for sign in gap}
    if signs - _SAFE_SIGNS:
        if not number.paired or (signs & _LISTING_SIGNS and not (number.beside_word or _is_introduced(number))):
            return False
        return number.beside_word or not _is_list(number)
    if _is_numeric(number) or _is_identifier(number):
        return False
    if number.beside_word:
        return True
    return not (_is_date(number) or _is_hours(number) or _is_list(number) or _is_reference(number))


def is_prefixed(number: Candidate) -> bool:
    """Whether a number behind 00 is an international one."""
    return not _is_identifier(number)


def is_bare(number: Candidate) -> bool:
    """Whether the digits of an international number without its sign are one."""
    if _is_identifier(number) or _VAT_BEFORE.search(number.before) or _is_decimal_part(number):
        return False
    return number.beside_word or _WEAK.search(number.before) is None


def is_short_of_zero(number: Candidate) -> bool:
    """Whether nine digits are a number that has lost its 0: only after a word for phones."""
    return _PHONE_BEFORE.search(number.before) is not None and not _is_identifier(number)


def _is_introduced(number: Candidate) -> bool:
    """Whether a word for phones is earlier in the same sentence, and nothing says that the numbers are a list."""
    if _is_ascending(number) or _ROOMS_NEAR.search(number.before):
        return False
    return _PHONE_EARLIER.search(number.before) is not None


def _is_decimal_part(number: Candidate) -> bool:
    return number.contiguous and number.before[-1:] in (".", ",") and number.before[-2:-1].isdigit()


def _is_numeric(number: Candidate) -> bool:
    """A decimal number such as 0.123456789 or a coordinate, or the ten digits counted."""
    if number.sizes == [1, 9] and number.gaps == ["."] and number.body[1] == ".":
        return True
    if number.sizes == [2, 8] and number.gaps == ["."] and number.before[-1:] in ("-", "+", "¯"):
        return True
    return _is_decimal_part(number) or (len(number.groups) == 10 and "".join(number.groups) == "0123456789")


def _is_identifier(number: Candidate) -> bool:
    """A part of an ISBN, IBAN, SIRET, VAT number, post box, list of postcodes, UUID or hash."""
    before, after = number.before, number.after
    if _STRICT.search(before) or re.search(r"97[89][- ]\Z", before) or _IBAN_BEFORE.search(before):
        return True
    if number.sizes == [5, 5] and (
        _POST_BOX.search(before)
        or _POSTCODES_BEFORE.search(before)
        or re.search(r"(?<![^\W_])\d[A-Z] \Z", before)
        or (number.groups[1].startswith("0") and re.match(r"[\s,;/-]{1,3}\d{5}(?!\d)", after))
    ):
        return True
    if number.contiguous and _FOREIGN_VAT_BEFORE.search(before):
        return True
    if number.contiguous and _is_hash(number):
        return True
    if "-" in before or "-" in after or "-" in number.body:
        around = max(0, number.start - 36)
        for match in _UUID.finditer(number.text, around, number.end + 36):
            if match.start() < number.end and number.start < match.end():
                return True
    return False


def _is_hash(number: Candidate) -> bool:
    """Whether the digits are within sixteen and more hexadecimal ones."""
    before, after = _HEX_BEFORE.search(number.before), _HEX_AFTER.match(number.after)
    return before is not None and after is not None and len(before[0] + after[0]) >= _HASH - len(number.body)


def _is_date(number: Candidate) -> bool:
    """Dates with day, month and year in either order, or a row of them."""
    if _DATE_AT.match(number.body + number.after[:5]):
        return True
    if _YEAR_BEFORE.search(number.before) and _MONTH_AT.match(number.body):
        return True
    if number.sizes != [2] * 5:
        return False
    first, second, third, fourth, fifth = map(int, number.groups)
    gaps = number.gaps
    if gaps[0] == gaps[1] != gaps[2] and gaps[0] and first <= 31 and second <= 12 and fourth <= 23 and fifth <= 59:
        return True  # 01/02/27 08 30
    if gaps[0] != gaps[2] or gaps[1] != gaps[3] or gaps[0] == gaps[1]:
        return False
    if gaps[0] in _DATE_SIGNS:
        return second <= 12 and third <= 31 and fourth <= 12
    # The row began one number earlier.
    shifted = gaps[1] in _DATE_SIGNS and re.search(r"\d[./-]\Z", number.before) is not None
    return shifted and first <= 12 and second <= 31 and third <= 12 and fourth <= 31


def _is_hours(number: Candidate) -> bool:
    """Opening hours such as 08.30-12.30 13.30-17.00, or 09 00 12 00 13 30."""
    if number.sizes != [2] * 5:
        return False
    if number.gaps[1] and number.gaps[1] in ".:" and re.search(rf"(?<!\d)\d{{1,2}}[{number.gaps[1]}]\Z", number.before):
        return int(number.groups[0]) < 60 and int(number.groups[1]) < 24  # began with the hour before
    hour, minute, hour2, minute2, hour3 = map(int, number.groups)
    if max(hour, hour2, hour3) > 23 or minute % 5 or minute2 % 5 or max(minute, minute2) > 59 or hour2 < hour:
        return False
    follows = re.match(r"[\s.\-/:h]{1,3}[0-5][05](?!\d)", number.after) is not None
    apart = number.gaps[0] == number.gaps[2] != number.gaps[1]
    return follows or (apart and hour < hour2 <= hour3)


def _is_list(number: Candidate) -> bool:
    """Rooms, departments or pages one after the other."""
    if number.sizes != [2] * 5:
        return False
    if _ROOMS_BEFORE.search(number.before):
        return True
    return _is_ascending(number) and bool(_ROOMS_NEAR.search(number.before) or _ROOMS_NEAR.search(number.after))


def _is_ascending(number: Candidate) -> bool:
    values = [*map(int, number.groups)]
    return all(low < high for low, high in pairwise(values))


def _is_reference(number: Candidate) -> bool:
    """A file, order or article number, which is not written in pairs. Numbers of mobile phones are none."""
    if number.groups[0] == "0" and len(number.groups) > 1 and number.sizes[-1] == 1 and max(number.sizes) > 2:
        return True
    mobile = "".join(number.groups)[1] in "67"
    if number.paired:
        return False
    if number.sizes[-1] == 1 and max(number.sizes) > 2:
        return True
    if number.contiguous and (_CODE_BEFORE.search(number.before) or _DASHED_CODE_BEFORE.search(number.before)):
        return True
    blank = any(not gap for gap in number.gaps)
    return not (mobile or blank) and _WEAK.search(number.before) is not None
