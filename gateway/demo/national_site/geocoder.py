"""The geocoder that the simulated site asks; it knows no map, so a test or a demo may set what it finds."""

from dataclasses import dataclass

_MIDDLE_OF_FRANCE = (46.603354, 1.888334)


@dataclass(slots=True)
class Geocoder:
    """What it finds: a street and a postcode for any coordinates, and a point for any postcode; None for nothing."""

    street: str | None = None
    zipcode: str | None = None
    point: tuple[float, float] | None = _MIDDLE_OF_FRANCE
