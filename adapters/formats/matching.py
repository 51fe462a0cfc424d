"""Match written town names with communes, and postcodes with departments."""

from collections.abc import Sequence

from adapters.formats.address import Name
from adapters.formats.gazetteer import (
    Areas,
    KnownCommune,
    beginning_with,
    by_code,
    districts_of,
    is_commune,
    name_key,
    named,
    part_of_name,
    town_of,
)
from schemas.communes import Commune, communes_of, department_of, plain_name
from schemas.territory import territories


def town_written(name: Name) -> str:
    """The town of a name; for an arrondissement, its town."""
    return name.district[0] if name.district else name.text


def local_communes(name: Name, areas: Areas) -> tuple[KnownCommune, ...]:
    """The communes of the departments ``areas`` that a name can mean."""
    exact = tuple(known for known in named(town_written(name)) if known.department in areas)
    return exact or beginning_with(town_written(name), areas)


def fit(
    names: Sequence[Name], communes: Sequence[Commune | KnownCommune]
) -> tuple[Name, Commune | KnownCommune] | None:
    """The first name and commune that match; else the first that share their first words; else None."""
    for name in names:
        for commune in communes:
            if is_commune(town_written(name), commune):
                return name, commune
    for name in names:
        for commune in communes:
            if part_of_name(town_written(name), town_of(commune)):
                return name, commune
    return None


def city_name(name: Name, commune: Commune | KnownCommune) -> str:
    """The name as written, or the commune's name if the verdict could not match the two."""
    town = town_of(commune)
    if name.district:
        return name.text if plain_name(name.text) == plain_name(town) else town
    same = name_key(name.text) == name_key(town) or is_commune(name.text, Commune("", town))
    return town if same and plain_name(name.text) != plain_name(town) else name.text


def postcode_of(known: KnownCommune, names: Sequence[Name]) -> str:
    """A postcode of a commune: that of the written arrondissement, else the lowest."""
    begin = districts_of(known.code)
    number = next((name.district[1] for name in names if name.district), None)
    district = by_code(f"{begin}{number:0{5 - len(begin)}d}") if begin and number else None
    return (district or known).postcodes[0]


def departments_of(postcode: str) -> Areas:
    """The possible departments of a postcode: those of its communes, else those of its first digits."""
    served = communes_of(postcode)
    if served:
        return frozenset(commune.department for commune in served)
    if postcode.startswith("20"):
        return frozenset(("2A", "2B"))
    department = department_of(postcode)
    return frozenset((department,)) if department in territories() else frozenset()
