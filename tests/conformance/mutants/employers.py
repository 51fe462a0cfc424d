"""Wrong gateways: the employer, web addresses and the place (OFR-014 to OFR-021)."""

import re

from tests.conformance.mutants.ways import Document, put, reading, rendering, silent, strict, value

_URLS = ("/apply_url", "/employer/website")


def _luhn(number: str) -> bool:
    doubled = (int(digit) * (1 + (index % 2)) for index, digit in enumerate(reversed(number)))
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


@reading("OFR-014", "does not know La Poste's own rule of check digits")
def refuses_la_poste(offer: Document) -> None:
    siret = offer["employer"]["siret"]
    if siret.startswith("356000000") and len(siret) == 14 and not _luhn(siret):
        offer["employer"]["siret"] = "73282932000075"


@reading("OFR-014", "accepts every SIRET of La Poste")
def accepts_any_la_poste(offer: Document) -> None:
    siret = offer["employer"]["siret"]
    if siret.startswith("356000000") and len(siret) == 14 and siret.isdigit():
        offer["employer"]["siret"] = "35600000000048"


@reading("OFR-014", "checks the first nine digits of a SIRET only")
def checks_the_siren_only(offer: Document) -> None:
    siret = offer["employer"]["siret"]
    if len(siret) == 14 and siret.isdigit() and _luhn(siret[:9]) and not _luhn(siret):
        del offer["employer"]["siret"]


@reading("OFR-014", "removes blanks from a SIRET, and takes a SIREN for one")
def reads_spaced_sirets(offer: Document) -> None:
    siret = re.sub(r"[ \u00a0.]", "", offer["employer"]["siret"])
    offer["employer"]["siret"] = siret
    if len(siret) == 9 and _luhn(siret):
        del offer["employer"]["siret"]


@reading("OFR-015", "reads a NAF code without its point, or in small letters")
def reads_naf_loosely(offer: Document) -> None:
    code = offer["employer"]["naf"].upper()
    offer["employer"]["naf"] = f"{code[:2]}.{code[2:]}" if re.fullmatch("[0-9]{4}[A-Z]", code) else code


@strict("OFR-015", "refuses a NAF code that it does not know", "naf-unknown")
def refuses_unknown_nafs() -> None: ...


@silent("OFR-015", "compares a NAF code with no list", "naf-unknown")
def knows_no_list_of_nafs() -> None: ...


def _addresses(offer: Document, pattern: str, new: str, *pointers: str) -> None:
    for pointer in pointers or _URLS:
        if isinstance(url := value(offer, pointer), str):
            put(offer, pointer, re.sub(pattern, new, url))


@reading("OFR-016", "turns http into https")
def upgrades_http(offer: Document) -> None:
    _addresses(offer, "^http:", "https:")


@reading("OFR-016", "checks apply_url, and accepts anything as the employer's website")
def checks_no_websites(offer: Document) -> None:
    if isinstance(offer["employer"]["website"], str):
        offer["employer"]["website"] = "https://atelier.example/"


@reading("OFR-016", "accepts an IP address as a host")
def accepts_ip_addresses(offer: Document) -> None:
    _addresses(offer, r"^https://(?:[0-9.]+|\[[0-9a-fA-F:.]+\])(?=[:/?#]|$)", "https://atelier.example")


@reading("OFR-016", "accepts a user name in an address")
def accepts_user_names(offer: Document) -> None:
    _addresses(offer, "^https://[^/@?#]*@", "https://")


@reading("OFR-016", "accepts any port, or an empty one")
def accepts_any_port(offer: Document) -> None:
    _addresses(offer, r"^(https://[^/:?#\[@]+):[0-9]*(?=[/?#]|$)", r"\1")


@reading("OFR-016", "accepts no port at all")
def accepts_no_port(offer: Document) -> None:
    _addresses(offer, r"^(https://[^/:?#@]+):[1-9][0-9]{0,3}(?=[/?#]|$)", r"\1:99999")


@reading("OFR-016", "accepts a host name without a point")
def accepts_bare_names(offer: Document) -> None:
    _addresses(offer, r"^https://[A-Za-z0-9-]+(?=[:/?#]|$)", "https://atelier.example")


@reading("OFR-016", "accepts names of one network, but localhost")
def accepts_private_names(offer: Document) -> None:
    _addresses(
        offer,
        r"(?i)^(https://[^/:?#]+)\.(?:local|internal|intranet|lan|home|corp|private|arpa|onion|invalid)(?=[:/?#]|$)",
        r"\1.example",
    )


@reading("OFR-016", "percent-encodes an address by itself")
def encodes_addresses(offer: Document) -> None:
    _addresses(offer, r"[^!-~]|[\"<>\\^`{|}]", "%20")


@reading("OFR-016", "does not mind a percent sign without two digits behind it")
def accepts_bare_percents(offer: Document) -> None:
    _addresses(offer, "%(?![0-9A-Fa-f]{2})", "%25")


@reading("OFR-016", "refuses an address with a fragment or a query")
def refuses_fragments(offer: Document) -> None:
    _addresses(offer, "^https://[^?#]+[?#].*", "https://")


@reading("OFR-017", "completes a postcode of four digits")
def completes_postcodes(offer: Document) -> None:
    offer["location"]["postal_code"] = re.sub("^([1-9][0-9]{3})$", r"0\1", offer["location"]["postal_code"])
    offer["location"]["insee_commune"] = re.sub("^([1-9][0-9]{3})$", r"0\1", offer["location"]["insee_commune"])


@reading("OFR-017", "removes blanks from postcodes, and cuts what follows")
def trims_postcodes(offer: Document) -> None:
    code = re.sub(r"\s", "", offer["location"]["postal_code"])
    offer["location"]["postal_code"] = re.sub("^([0-9]{5}).+", r"\1", code)


@reading("OFR-017", "reads a commune of Corsica in small letters")
def reads_small_corsica(offer: Document) -> None:
    offer["location"]["insee_commune"] = offer["location"]["insee_commune"].upper()


@reading("OFR-017", "refuses communes of Corsica")
def refuses_corsica(offer: Document) -> None:
    if offer["location"]["insee_commune"][:2] in {"2A", "2B"}:
        offer["location"]["insee_commune"] = "2a004"


def _territory(entry: Document, **changed: str) -> None:
    entry["territory"] = {**entry["territory"], **changed}


@rendering("OFR-018", "derives the department from the postcode")
def derives_from_the_postcode(entry: Document) -> None:
    code = entry["offer"]["location"]["postal_code"]
    department = code[:3] if code[:2] in {"97", "98"} else code[:2]
    if department != "20":
        _territory(entry, department=department)


@rendering("OFR-018", "puts all of Corsica into Corse-du-Sud")
def knows_one_corsica(entry: Document) -> None:
    if entry["territory"]["department"] == "2B":
        _territory(entry, department="2A")


@rendering("OFR-018", "knows one académie for each region")
def knows_one_academie(entry: Document) -> None:
    first = {
        "11": "paris",
        "24": "orleans-tours",
        "27": "dijon",
        "28": "normandie",
        "32": "lille",
        "44": "nancy-metz",
        "75": "bordeaux",
        "76": "toulouse",
        "84": "lyon",
        "93": "aix-marseille",
    }
    if entry["territory"]["region"] in first:
        _territory(entry, academie=first[entry["territory"]["region"]])


@rendering("OFR-018", "knows two digits of an overseas department")
def knows_two_digits(entry: Document) -> None:
    if entry["territory"]["department"][:2] == "97":
        _territory(entry, department="97")


@rendering("OFR-018", "gives the department of an overseas offer as its region")
def confuses_regions_overseas(entry: Document) -> None:
    if entry["territory"]["department"][:2] == "97":
        _territory(entry, region=entry["territory"]["department"])


@reading("OFR-018", "accepts an offer in Monaco")
def accepts_monaco(offer: Document) -> None:
    if offer["location"]["postal_code"] == "98000" or offer["location"]["city"] == "Monaco":
        offer["location"].update(postal_code="06000", city="Nice")
        offer["location"].pop("insee_commune", None)


@reading("OFR-018", "accepts postcodes and communes of no department")
def accepts_no_department(offer: Document) -> None:
    code, commune = offer["location"]["postal_code"], offer["location"].get("insee_commune")
    if re.fullmatch("(?:00|96|99|979)[0-9]+", code) or re.fullmatch("(?:00|96|99|979)[0-9]+", commune or ""):
        offer["location"].update(postal_code="35000", city="Rennes")
        offer["location"].pop("insee_commune", None)


@silent("OFR-018", "does not say that it guessed the department", "department-guessed")
def guesses_departments_silently() -> None: ...


@strict("OFR-018", "refuses an offer whose department it has to guess", "department-guessed")
def refuses_to_guess() -> None: ...


@strict(
    "OFR-019",
    "refuses every mismatch of postcode, INSEE code and city",
    "postal-code-of-other-commune",
    "location-doubtful",
)
def refuses_mismatches() -> None: ...


@silent("OFR-019", "knows no mismatch within one department", "postal-code-of-other-commune", "location-doubtful")
def knows_no_mismatches() -> None: ...


@silent("OFR-019", "compares no city and no commune with a list", "city-unlisted", "insee-unlisted")
def knows_no_cities() -> None: ...


@strict("OFR-019", "refuses a city and a commune that its list lacks", "city-unlisted", "insee-unlisted")
def refuses_unlisted_cities() -> None: ...


@reading("OFR-019", "compares postcode and commune in one offer, and in no batch or snapshot", "batch", "snapshot")
def compares_no_communes_of_lines(offer: Document) -> None:
    commune, code = offer["location"]["insee_commune"], offer["location"]["postal_code"]
    if re.fullmatch("[0-9]{5}", commune) and commune[:2] != code[:2]:
        del offer["location"]["insee_commune"]


@reading("OFR-020", "drops a latitude or a longitude that comes alone")
def drops_half_coordinates(offer: Document) -> None:
    for one, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if one in offer["location"] and other not in offer["location"]:
            del offer["location"][one]


@reading("OFR-020", "takes coordinates of 0, 0 for unknown ones, and accepts them")
def drops_null_island(offer: Document) -> None:
    if offer["location"]["latitude"] == 0 and offer["location"]["longitude"] == 0:
        del offer["location"]["latitude"], offer["location"]["longitude"]


@reading("OFR-020", "takes a longitude of 0 for an unknown one")
def refuses_greenwich(offer: Document) -> None:
    if offer["location"]["longitude"] == 0:
        offer["location"]["latitude"] = 0


@reading("OFR-020", "reads degrees that are out of range")
def wraps_degrees(offer: Document) -> None:
    if not -90 <= offer["location"]["latitude"] <= 90 or not -180 <= offer["location"]["longitude"] <= 180:
        del offer["location"]["latitude"], offer["location"]["longitude"]


@reading("OFR-021", "knows coordinates of metropolitan France only")
def knows_the_hexagon_only(offer: Document) -> None:
    if isinstance(offer["location"]["latitude"], float) and offer["location"]["latitude"] < 40:
        offer["location"].update(latitude=51.5, longitude=-0.12)


@reading("OFR-021", "accepts coordinates anywhere in Europe")
def accepts_europe(offer: Document) -> None:
    at = offer["location"]
    if 35 < at["latitude"] < 60 and -12 < at["longitude"] < 30:
        at.update(latitude=48.1, longitude=-1.68)


@reading("OFR-021", "swaps coordinates that are the wrong way round")
def swaps_coordinates(offer: Document) -> None:
    at = offer["location"]
    if at["longitude"] > 40 and -10 < at["latitude"] < 10:
        at["latitude"], at["longitude"] = at["longitude"], at["latitude"]


@strict("OFR-021", "refuses coordinates outside the department", "coordinates-elsewhere")
def refuses_coordinates_elsewhere() -> None: ...


@silent("OFR-021", "does not compare coordinates with the department", "coordinates-elsewhere")
def compares_no_coordinates() -> None: ...
