"""Simulated national site of the demo: accounts, accounts file, and employers' offers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from secrets import token_urlsafe

import orjson

from demo.balance import NATIONAL, ExpectedOffer
from demo.locality import OfferLocality, localities_in
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import SiteOffer
from schemas.schoolyear import june_year

SEARCH = "search"
UNCOVERED: Mapping[str, str] = {"Hauts-de-France": "32", "Centre-Val de Loire": "24"}
"""The Regions without a platform, with their INSEE codes."""
NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "Hauts-de-France": ("normandie", "ile-de-france"),
    "Centre-Val de Loire": ("pays-de-la-loire", "ile-de-france"),
}
"""Platforms that subscribe to the departments of a Region without a platform."""
_HOUSES = (
    ("Théâtre", "Découvrir les métiers du spectacle", "s6"),
    ("Atelier d’architecture", "Suivre un projet du dessin au chantier", "s2"),
    ("Musée", "Comprendre comment se prépare une exposition", "s17"),
    ("Laboratoire d’analyses", "Observer le travail d’une équipe scientifique", "s42"),
)


@dataclass(slots=True)
class SimulatedSite:
    """The simulator and its counts."""

    simulator: NationalSimulator
    on: date

    def open_accounts(self, folder: Path, platforms: Sequence[str]) -> Path:
        """Create an account per platform and one for search; returns the accounts file."""
        accounts = {**{name: [name] for name in platforms}, SEARCH: []}
        return write_accounts(folder, self.simulator, accounts, password=token_urlsafe(16), searcher=SEARCH)

    def make(self, locality: OfferLocality, number: int) -> SiteOffer:
        """Create an employer's offer on the site itself."""
        house, description, sector = _HOUSES[number % len(_HOUSES)]
        june = june_year(self.on)
        return self.simulator.publish_on_site(
            title=f"Stage : {house.lower()}, {locality.city}",
            description=f"{description}.",
            employer_name=f"{house} de {locality.city}",
            employer_description="Un employeur qui accueille des élèves chaque année.",
            street="1 place de la Mairie",
            zipcode=locality.postal_code,
            city=locality.city,
            sector=sector,
            grades=("troisieme",),
            weeks=(f"{june}-W24", f"{june}-W27"),
        )

    def delete_one(self, departments: frozenset[str]) -> None:
        """Delete an employer's oldest offer in these departments on the site itself."""
        rows = reversed(self.simulator.stock.live())
        self.simulator.discard(next(row for row in rows if row.owner is None and _department(row) in departments))

    def made(self) -> dict[str, ExpectedOffer]:
        """Visible offers of employers, by their id in the federation."""
        return {
            f"{NATIONAL}:{row.id}": ExpectedOffer(row.title or "", _department(row))
            for row in self.simulator.stock.live()
            if row.owner is None
        }

    def delivered(self) -> tuple[tuple[str, str], ...]:
        """Remote ids and titles of the visible rows of the platforms' accounts."""
        return tuple(
            (row.remote_id or "", row.title or "") for row in self.simulator.stock.live() if row.owner is not None
        )

    def count(self) -> int:
        """Number of visible rows of the platforms' accounts."""
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
    """Create accounts at the simulated site, each for its platforms (``*``: all others); returns the accounts file.

    The ``searcher``, one of the accounts, has full access and searches every ``minutes``.
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


def towns_in(departments: frozenset[str], count: int) -> Iterator[OfferLocality]:
    """At most ``count`` localities, spread over these departments."""
    localities = [one for one in localities_in(departments) if one.insee_commune[:2] == one.postal_code[:2]]
    yield from localities[:: max(1, len(localities) // count)][:count]


def _department(row: SiteOffer) -> str:
    """The department by the postcode's first digits, valid for every locality of ``towns_in``."""
    return (row.zipcode or "")[:2]
