"""The simulated national site: its accounts, the file that names them, and the offers that employers make there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from secrets import token_urlsafe

import orjson

from adapters.national.mapping.week import june_year
from gateway.demo.balance import NATIONAL
from gateway.demo.fate import Fate
from gateway.demo.national_site.simulator import NationalSimulator
from gateway.demo.national_site.stock import Row
from gateway.demo.place import Place, places_in

SEARCH = "search"
UNCOVERED: Mapping[str, str] = {"Hauts-de-France": "32", "Centre-Val de Loire": "24"}
"""The Regions without a platform, with their INSEE codes."""
NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "Hauts-de-France": ("normandie", "ile-de-france"),
    "Centre-Val de Loire": ("pays-de-la-loire", "ile-de-france"),
}
"""Which platforms ask for the departments of a Region that has none."""
_HOUSES = (
    ("Théâtre", "Découvrir les métiers du spectacle", "s6"),
    ("Atelier d’architecture", "Suivre un projet du dessin au chantier", "s2"),
    ("Musée", "Comprendre comment se prépare une exposition", "s17"),
    ("Laboratoire d’analyses", "Observer le travail d’une équipe scientifique", "s42"),
)


@dataclass(slots=True)
class Site:
    """The simulator, with what is counted there."""

    simulator: NationalSimulator
    on: date

    def open_accounts(self, folder: Path, platforms: Sequence[str]) -> Path:
        """An account for each platform, one more that searches, and the file that names them all."""
        accounts = {**{name: [name] for name in platforms}, SEARCH: []}
        return write_accounts(folder, self.simulator, accounts, password=token_urlsafe(16), searcher=SEARCH)

    def make(self, place: Place, number: int) -> Row:
        """An offer that an employer makes on the site itself."""
        house, description, sector = _HOUSES[number % len(_HOUSES)]
        june = june_year(self.on)
        return self.simulator.publish_on_site(
            title=f"Stage : {house.lower()}, {place.city}",
            description=f"{description}.",
            employer_name=f"{house} de {place.city}",
            employer_description="Un employeur qui accueille des élèves chaque année.",
            street="1 place de la Mairie",
            zipcode=place.postal_code,
            city=place.city,
            sector=sector,
            grades=("troisieme",),
            weeks=(f"{june}-W24", f"{june}-W27"),
        )

    def delete_one(self, departments: frozenset[str]) -> None:
        """The site deletes an offer that an employer made there in these departments."""
        rows = self.simulator.stock.rows
        self.simulator.discard(next(row for row in rows if row.owner is None and _department(row) in departments))

    def made(self) -> dict[str, Fate]:
        """What employers made there and the site shows, by its id in the federation."""
        return {
            f"{NATIONAL}:{row.id}": Fate(row.title or "", _department(row))
            for row in self.simulator.stock.live()
            if row.owner is None
        }

    def delivered(self) -> tuple[tuple[str, str], ...]:
        """Names and titles of the rows that the platforms' accounts have there, and that visitors see."""
        return tuple(
            (row.remote_id or "", row.title or "") for row in self.simulator.stock.live() if row.owner is not None
        )

    def count(self) -> int:
        """How many rows of the platforms visitors see."""
        return len(self.delivered())


def write_accounts(
    folder: Path,
    simulator: NationalSimulator,
    accounts: Mapping[str, Sequence[str]],
    *,
    password: str,
    searcher: str | None = None,
    minutes: int = 1,
) -> Path:
    """Accounts at the simulated site, each with its platforms (``*``: all others), and the file that names them.

    The ``searcher``, one of them, has full access, and searches every so many ``minutes``.
    """
    kept = folder / "national-password"
    kept.touch(0o600)
    kept.write_text(password)
    entries = []
    for name, platforms in accounts.items():
        email = f"{name}@example.org"
        simulator.add_operator(email, password, full_access=name == searcher)
        entries.append({"name": name, "email": email, "password": {"file": kept.name}, "platforms": list(platforms)})
    document: dict[str, object] = {"url": simulator.url, "accounts": entries}
    if searcher is not None:
        document["search"] = {"account": searcher, "minutes": minutes}
    path = folder / "national.json"
    path.write_bytes(orjson.dumps(document))
    return path


def towns_in(departments: frozenset[str], count: int) -> Iterator[Place]:
    """So many places of these departments, spread over them."""
    places = [place for place in places_in(departments) if place.insee_commune[:2] == place.postal_code[:2]]
    yield from places[:: max(1, len(places) // count)][:count]


def _department(row: Row) -> str:
    """The one that the postcode begins with, as it does in all ``towns_in``."""
    return (row.zipcode or "")[:2]
