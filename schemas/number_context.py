r"""Context of a number: patterns for words beside it (phones, identifiers, lists, units), dates and codes (OFR-034).

Patterns that end with ``\Z`` are searched in the text before a number.
"""

import re

WORD = (
    r"(?:t[ée]l(?:[ée]phon(?:e[rzs]?|ique(?:ment)?s?|ez))?s?|phone|portables?|mobiles?|gsm|fixe|fax|t[ée]l[ée]copie(?:ur)?"
    r"|appel(?:er|ez|s|le|ant)?|joindre|joignables?|joignez|contact(?:er|ez|s)?|sms|textos?|whatsapp|compose[rz]"
    r"|indicatif(?: \+?33)?|rappel(?:er|ez)|num[ée]ros? de t[ée]l[ée]phone|(?:mon|notre) num[ée]ro|ligne directe|call"
    r"|☎|✆|📞|📱|📲|☏)"
)
WORDED = re.compile(r"[^\W\d_]|[☎✆📞📱📲☏]")
"""Part of every word below, and of ``WORD``."""
LINK = r"(?:au|le|la|du|est|n°|no|num[ée]ro|pro|perso|professionnel|personnel|direct|suivant|svp|ou|sur|puis|:)"
PHONE_BEFORE = re.compile(rf"(?<!\w){WORD}[\W_]{{0,4}}(?:{LINK}[\W_]{{0,3}}){{0,4}}\Z", re.IGNORECASE)
PHONE_EARLIER = re.compile(
    rf"(?<!\w){WORD}(?!\w)(?:[^.;!?\n]|(?<=\WM)\.|(?<=\WMr)\.|(?<=\WDr)\.|(?<=\WMme)\.|(?<=T[ée]l)\.){{0,40}}\Z",
    re.IGNORECASE,
)
PHONE_AFTER = re.compile(
    r"[\W_]{0,3}(?:(?:par|au|mon|notre|num[ée]ro|de)\s){0,3}"
    r"(?:t[ée]l(?:[ée]phone)?|portable|mobile|gsm|sms|whatsapp|fixe)(?!\w)",
    re.IGNORECASE,
)
AU_BEFORE = re.compile(r"(?<![\w°])(?<!\d )au \Z", re.IGNORECASE)
LIST_AFTER = r"(?![^\W\d_])(?!(?<=[^\W\d_]{4})[.!?]\s)[\W_]{0,3}(?:n°s?|nos|num[ée]ros?|no)?[\W_]{0,3}"
PREFIX = r"(?-i:[A-Z]{1,5}[-_/. ]?)?"
"""Capitals of a reference, before its digits."""
STRICT = re.compile(
    r"(?<![^\W_])(?:isbn(?:-1[03])?|issn|ean(?:-?13)?|gtin|siren|siret|iban|rib|bic|tva(?: intra\w*)?|vat"
    r"|intracommunautaire|doi|bce|kbo|(?:num[ée]ro|n°) d'entreprise|versions?|firmware|release|build"
    r"|rcs(?: \w+){0,2}|rna|finess|(?-i:NIC|IPP|INE|INS|EDE|VIN)|nir|numen"
    r"|imo|mmsi|imei|sha-?\d{1,3}|md5|checksum|icpe|orias|rpg|pacage|insee|uai|adeli|rpps|kbis|duns|naf|ape"
    r"|latitude|longitude|lat|lon|lng|gps)"
    rf"{LIST_AFTER}(?-i:[A-Z]{{2}}[ .-]?)?\Z",
    re.IGNORECASE,
)
COORDINATES_BEFORE = re.compile(r"(?<![^\W_])coordonn[ée]es[\W_]{0,3}\Z", re.IGNORECASE)
_MARK = r"(?:n°s?|nos|num[ée]ros?|no|#)"
NUMBERED = rf"(?![^\W\d_])[\s_(]{{0,2}}{_MARK}[\W_]{{0,3}}"
MARKED = rf"(?:{NUMBERED}|\s?[:=]\s?)"
DIRECT = rf"(?:{MARKED}|(?![^\W\d_])(?:[\s_*]{{0,2}}|[-./]))"
"""The text between a noun and its number: a mark such as ``n°`` or a colon, or a blank alone."""
_KIND = (
    r"(?: (?:rc|interne|externe|client|produit|article|fournisseur|fabricant|constructeur|catalogue|atelier|usine))?"
)
_HOLDERS = (
    r"(?:dossier|commande|contrat|facture|devis|lot|article|agr[ée]ment|matricule|s[ée]rie|identifiant|code|licence"
    r"|colis|allocataire|cotisant|ch[èe]que|bordereau|immatriculation|passeport|quittance|transaction|ch[âa]ssis|conteneur"
    r"|ticket|police d'assurance|brevet|homologation|certificat|sinistre|abonnement|bon de [a-z]+|parcelle|rc"
    r"|inventaire|serial|order|invoice|account|customer|permit|policy)"
)
"""Nouns of which a number is written right behind them, in the singular."""
_AMBIGUOUS = r"(?:police|march[ée]|assurance|client|compte|convention|adh[ée]rent|offre|annonce|plan|pi[èe]ce|part|art)"
"""Nouns that are also places, persons or things: their number has a mark, such as ``n°``."""
_SHORT = r"(?:r[ée]f(?:[ée]rences?)?|[sp]/n|n/s|sn|id|sku|ugs|upc|mpn|plu|gencode?)s?"
_NAMED = rf"{_HOLDERS}{_KIND}|(?:code|identifiant|matricule) (?!postal)[a-zéè]{{3,14}}"
_NOT_A_PHONE = r"(?!t[ée]l|phone|portable|mobile|gsm|fax)"
REFERENCE = re.compile(
    rf"(?<![^\W_])(?:{_SHORT}(?:\.?{_KIND})?{LIST_AFTER}"
    rf"|(?:{_NAMED}|{_AMBIGUOUS} (?:rc|interne|client|fournisseur)){DIRECT}"
    rf"|{_AMBIGUOUS}{MARKED}"
    rf"|(?:{_AMBIGUOUS}|{_HOLDERS})s{NUMBERED}"
    rf"|(?:{_AMBIGUOUS}|{_HOLDERS})(?: {_NOT_A_PHONE}[^\W\d_]{{2,14}}){{1,2}} n°\s?){PREFIX}\Z",
    re.IGNORECASE,
)
PIECE = re.compile(rf"(?<![^\W_]){_AMBIGUOUS}s?{DIRECT}{PREFIX}\Z", re.IGNORECASE)
"""Before digits in groups of different sizes, which few phone numbers have, any of these nouns is enough."""
_NO_NOUN = (
    r"(?!t[ée]l|phone|portable|mobile|gsm|fixe|fax|vert|gratuit|direct|perso|pro(?:fessionnel)?(?![^\W\d_])|unique|standard"
    r"|contact|accueil|appel|urgence|whatsapp|bureau|secr|atelier|boutique|magasin|mairie|cabinet|salon|agence|[ée]cole|coll[èe]ge|lyc[ée]e"
    r"|garage|chantier|cuisine|restau|h[ôo]tel|ferme|studio|usine|si[èe]ge|d[ée]p[ôo]t|g[ée]rant|patron|chef|respons"
    r"|tuteur|tutrice|ma[îi]tre|rh|maison|bou[lc]|service|r[ée]ception|astreinte)"
)
NUMBER_OF_BEFORE = re.compile(
    rf"(?<![^\W_])(?:(?:n°s? ?|(?:no|num[ée]ros?) )(?:de |d')?{_NO_NOUN}[^\W\d_]{{3,20}}[\s:]{{1,3}}"
    rf"|{_NO_NOUN}(?:[^\W\d_]{{3,20}}|(?-i:[A-Z]{{2}})) \(?n°s?[\s:]{{0,3}})\Z",
    re.IGNORECASE,
)
CHECK_LETTER_AFTER = re.compile(r"[A-Z](?![^\W_])")
LONGER_BEFORE = re.compile(r"(?<![\d/.-])\d{1,3}([ .-])\d{2,3}\1\Z")
PERMIT_BEFORE = re.compile(r"(?<![^\W_])(?:PC|DP|PA|PD|CU[ab]?)[ -]?(?:\d{3}[ -]?){0,2}\Z")
"""Building permits: department, commune, year and number."""
TRACKING_BEFORE = re.compile(r"(?<![^\W_])\d[A-Z] \Z")
COMPASS_BEFORE = re.compile(r"(?<![^\W_])[NSEWO][\s:=]{0,2}\Z")
DIGIT_BEFORE = re.compile(r"\d[\s.\-/]\Z")
TIME_BEFORE = re.compile(r"(?<!\d)(?:[0-3]?\d[/.]|[0-2]?\d ?[hH:] ?)\Z")
DAY_BEFORE = re.compile(r"(?<!\d)[0-3]?\d/\Z")
HEX_SIGN_BEFORE = re.compile(r"(?<![^\W_])0x\Z", re.IGNORECASE)
PAIR_AFTER = re.compile(r"[\s.\-/]{1,3}\d\d(?!\d)")
HOUR_BEFORE = re.compile(r"(?<!\d)(\d{1,2})[\s.:hH]{1,3}\Z")
MIXED_BEFORE = re.compile(r"\d[A-Z]{1,3}\Z")
PLURAL_BEFORE = re.compile(
    r"(?<!\w)(?!nous|vous|les|des|infos|renseignements|informations|inscriptions|contacts)[^\W\d_]{3,}[sx] \Z",
    re.IGNORECASE,
)
ROOMS = (
    r"(?:salles?|chambres?|bureaux?|lots?|ateliers?|postes?|casiers?|quais?|cabines?|portes?|b[âa]timents?|semaines?"
    r"|d[ée]p(?:artemen)?ts?|dpts?|tomes?|volumes?|[ée]pisodes?|zones?|lignes?|rang[ée]es?|box|groupes?|tables?|codes?|pages?|fiches?|articles?|emplacements?"
    r"|stands?|hangars?|[ée]tages?|parcelles?|rayons?|all[ée]es?|voies?|bus|tirage|grille|loto|gagnants?|rooms?|classes?"
    r"|chapitres?|modules?|s[ée]quences?|[ée]tapes?|vitrines?|placards?|armoires?|dossards?|num[ée]ros?|escaliers?"
    r"|agences?|secteurs?|acad[ée]mies?|cantons?|antennes?|sites?|circonscriptions?|arrondissements?|temp[ée]ratures?|scores?"
    r"|tailles?|pointures?|s[ée]ries?|niveaux|r[ée]sultats?|notes?|halls?|bornes?|serres?|ruches?|rames?|wagons?|v[ée]hicules?|machines?|plans?|dates?|jours?)"
)
ROOMS_NEAR = re.compile(rf"(?<!\w){ROOMS}(?!\w)", re.IGNORECASE)
ROOMS_EARLIER = re.compile(rf"(?<!\w){ROOMS}(?<=[sx])(?!\w)[^.;!?\n]*\Z", re.IGNORECASE)
ROOMS_AFTER = re.compile(rf"[^.;!?\n]{{0,25}}(?<!\w){ROOMS}(?!\w)(?![\W_]{{0,3}}(?:n°\s?)?\d)", re.IGNORECASE)
ROOMS_BEFORE = re.compile(
    r"(?<!\w)(?:salles|chambres|casiers|lots|semaines|pages|d[ée]p(?:artemen)?ts|dpts|tomes|volumes|quais|portes|cabines|tables|fiches|rooms"
    rf"|parcelles|emplacements|dossards|wagons|armoires|vitrines){LIST_AFTER}\Z",
    re.IGNORECASE,
)
DEPARTMENTS_BEFORE = re.compile(r"(?<!\w)(?:d[ée]p(?:artemen)?ts|dpts) \Z", re.IGNORECASE)
UNIT_AFTER = re.compile(
    r"\s{0,2}(?:°C?|%|£|euros?|points?|pts|cm|mm|km|kg|[ée]l[èe]ves|places|ans|minutes|pompes|fois)(?!\w)",
    re.IGNORECASE,
)
POST_BOX = re.compile(r"(?<!\w)(?:cs|bp|tsa|cidex|bo[îi]te postale|bureau distributeur)[\W_]{0,3}\Z", re.IGNORECASE)
POSTCODES_BEFORE = re.compile(
    r"(?:\d{5}[\s,;/-]{1,3}|(?:code|codes|communes|postaux|postal)[\W_]{0,4})\Z", re.IGNORECASE
)
IBAN_BEFORE = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2} ?(?:[A-Z0-9]{4} ?){0,7}[A-Z0-9]{0,3}\Z")
VAT_BEFORE = re.compile(
    r"(?<![^\W_])(?:FR|BE|LU|DE|IT|ES|NL|PT|AT|IE|CHE?|GB|BG|CY|CZ|DK|EE|EL|FI|HR|HU|LT|LV|MT|PL|RO|SE|SI|SK)[ .\-]?\Z"
)
SHORT_VAT_BEFORE = re.compile(r"(?<![^\W_])(?:BE|PL|SK)[ .\-]?\Z")
"""The VAT numbers of ten digits; one of these may begin with 0."""
CODE_BEFORE = re.compile(r"(?<![^\W_])(?!T\Z|T[EÉ]L|GSM|FAX|MOB|POR)[A-Z]{1,3}\Z")
DASHED_CODE_BEFORE = re.compile(r"(?<![^\W_])(?!T[EÉ]L|GSM|FAX|MOB|POR)[A-Z]{2,}[-_/]\Z")
UUID = re.compile(r"(?<![^\W_])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![^\W_])", re.IGNORECASE)
HEX_BEFORE = re.compile(r"(?<![^\W_])(?:[0-9a-f]*[a-f])?\Z", re.IGNORECASE)
HEX_AFTER = re.compile(r"(?:[a-f][0-9a-f]*)?(?![^\W_])", re.IGNORECASE)
DATE_AT = re.compile(r"0\d([./\- ])[01]\d\1(?:19|20)\d\d(?!\d)|0\d[./\- ](?:19|20)\d\d(?!\d)(?! (?!19|20)\d{4}(?!\d))")
DATE = re.compile(r"(?<!\d)[0-3]?\d([./-])[01]?\d\1(?:(?:19|20)\d\d|\d\d)(?!\d|\1\d)")
DOI_BEFORE = re.compile(r"(?<!\d)10\.\d{4,9}/\S{0,40}\Z")
VERSION_BEFORE = re.compile(r"(?<![^\W_])v\.? ?\Z", re.IGNORECASE)
YEAR_BEFORE = re.compile(r"(?<!\d)(?:19|20)\d\d[./-]\Z")
HOURS_GAP = r"[\s.\-/:|¯]{1,3}"
HOURS_AFTER = re.compile(rf"{HOURS_GAP}([0-5]\d){HOURS_GAP}(\d\d)(?!\d)")
LETTER_BESIDE = re.compile(r"\d[OoIl]|[OoIl]\d|oo", re.IGNORECASE)
MONTH_AT = re.compile(r"0\d(?:[./-]\d\d)?(?!\d)")
