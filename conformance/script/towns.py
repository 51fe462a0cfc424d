"""A town of each region, for offers that lie in a reader's own territory, or outside it."""

from collections.abc import Mapping

_TOWNS: Mapping[str, tuple[str, str]] = {
    "01": ("97100", "Basse-Terre"),
    "02": ("97200", "Fort-de-France"),
    "03": ("97300", "Cayenne"),
    "04": ("97400", "Saint-Denis"),
    "06": ("97600", "Mamoudzou"),
    "11": ("75001", "Paris"),
    "24": ("45000", "Orléans"),
    "27": ("21000", "Dijon"),
    "28": ("76000", "Rouen"),
    "32": ("59000", "Lille"),
    "44": ("57000", "Metz"),
    "52": ("44000", "Nantes"),
    "53": ("35000", "Rennes"),
    "75": ("33000", "Bordeaux"),
    "76": ("31000", "Toulouse"),
    "84": ("69001", "Lyon"),
    "93": ("13001", "Marseille"),
    "94": ("20000", "Ajaccio"),
}
"""By INSEE code: postcode and name."""
_ELSEWHERE = ("32", "75")


def town_in(region: str) -> Mapping[str, str] | None:
    """Postcode and city of a town in a region, None for an unknown code."""
    found = _TOWNS.get(region)
    return None if found is None else {"postal_code": found[0], "city": found[1]}


def town_outside(region: str) -> Mapping[str, str] | None:
    """The same of a town in another region."""
    return town_in(next(code for code in _ELSEWHERE if code != region)) if region in _TOWNS else None
