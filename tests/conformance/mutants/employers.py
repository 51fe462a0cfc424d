"""Wrong gateways: the employer, web addresses and the place (OFR-014 to OFR-021)."""

import re

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import reading, rendering


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


def _territory(entry: Document, **changed: str) -> None:
    entry["territory"] = {**entry["territory"], **changed}


@rendering("OFR-018", "derives the department from the postcode")
def derives_from_the_postcode(entry: Document) -> None:
    code = entry["offer"]["location"]["postal_code"]
    department = code[:3] if code[:2] in {"97", "98"} else code[:2]
    if department != "20":
        _territory(entry, department=department)


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


@reading("OFR-019", "compares postcode and commune in one offer, and in no batch or snapshot", "batch", "snapshot")
def compares_no_communes_of_lines(offer: Document) -> None:
    commune, code = offer["location"]["insee_commune"], offer["location"]["postal_code"]
    if re.fullmatch("[0-9]{5}", commune) and commune[:2] != code[:2]:
        del offer["location"]["insee_commune"]


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


register("employers")
