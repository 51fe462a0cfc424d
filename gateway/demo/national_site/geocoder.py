"""Geocoder of the simulated site: fixed results, which a test or a demo may set."""

from dataclasses import dataclass

_MIDDLE_OF_FRANCE = (46.603354, 1.888334)


@dataclass(slots=True)
class Geocoder:
    """Results: ``street`` and ``zipcode`` of any coordinates, ``point`` of any postcode; None: not found."""

    street: str | None = None
    zipcode: str | None = None
    point: tuple[float, float] | None = _MIDDLE_OF_FRANCE
