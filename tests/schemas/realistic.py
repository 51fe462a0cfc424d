"""Texts as offers have them, none with personal data: dates, hours, prices, numbers of every kind, sites."""

import random
from collections.abc import Callable, Iterator

SEED = 20_261_130
_TOWNS = ("Rennes", "Saint-Malo", "Bordeaux", "Nantes", "Brest", "Ajaccio", "Le Havre", "Fort-de-France", "Metz")
_SITES = ("bordeaux.fr", "saint-malo.fr", "www.example.fr", "atelier-du-port.example", "stages.example.org", "bois.fr")
_TRADES = (
    "menuiserie",
    "boulangerie",
    "garage",
    "cabinet d'architecte",
    "laboratoire",
    "ferme",
    "médiathèque",
    "usine",
)
_NUMBERED = ("salles", "bureaux", "lignes de bus", "départements", "lots", "casiers", "chambres", "pages", "quais")
_DEPARTMENTS = (
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "07",
    "09",
    "22",
    "29",
    "35",
    "38",
    "42",
    "44",
    "56",
    "69",
    "73",
    "83",
)
_NOUNS = (
    "dossier",
    "commande",
    "contrat",
    "facture",
    "devis",
    "agrément",
    "convention",
    "article",
    "matricule",
    "licence",
)
_PRODUCTS = ("Siemens 3 06 12 84", "Bosch GSR 18V-55", "Makita 06 18", "Airbus A320-214", "moteur 1.6 e-HDi 115")


def _number(rng: random.Random, digits: int, first: str = "123456789") -> str:
    return rng.choice(first) + "".join(rng.choice("0123456789") for _ in range(digits - 1))


def _pairs(rng: random.Random, *, last: int = 99, count: int = 5) -> list[str]:
    return [f"{one:02}" for one in sorted(rng.sample(range(1, last + 1), count))]


def _day(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2025, 2029)
    return rng.choice((f"{day:02}/{month:02}/{year}", f"{day:02}.{month:02}.{year}", f"{year}-{month:02}-{day:02}"))


def _dates(rng: random.Random) -> str:
    return f"Du {_day(rng)} au {_day(rng)}, puis du {_day(rng)} au {_day(rng)}, à {rng.choice(_TOWNS)}."


def _short_dates(rng: random.Random) -> str:
    month = f"{rng.randint(1, 12):02}"
    days = _pairs(rng, last=28, count=4)
    return f"Visites le {days[0]}/{month}, le {days[1]}/{month}, le {days[2]}/{month} puis le {days[3]}/{month}."


def _siret(rng: random.Random) -> str:
    siren = _number(rng, 9)
    spaced = f"{siren[:3]} {siren[3:6]} {siren[6:]}"
    return rng.choice((f"SIRET : {spaced} {_number(rng, 5)}", f"SIREN {siren}", f"RCS {rng.choice(_TOWNS)} {spaced}"))


def _prices(rng: random.Random) -> str:
    meal, fare = f"{rng.randint(3, 9)},{rng.randint(10, 99)} €", f"{rng.randint(10, 99)},{rng.randint(10, 99)} €"
    return f"Repas à {meal}, transport {fare} ; budget de {_number(rng, 3)} 000 €."


def _hours(rng: random.Random) -> str:
    start, end = rng.randint(7, 9), rng.randint(16, 18)
    return f"Horaires : {start:02}:30-12:00 / 13:15-{end}:45, le mercredi {start:02}h30 à 12h00."


def _surfaces(rng: random.Random) -> str:
    land = f"{_number(rng, 2)}.{_number(rng, 2)} ha et {_number(rng, 4)} m² de serres"
    return f"Un atelier de {_number(rng, 3)},{_number(rng, 2)} m², sur {land}."


def _scores(rng: random.Random) -> str:
    sets = ", ".join(f"{rng.randint(0, 30)}-{rng.randint(0, 30)}" for _ in range(4))
    return f"Scores du tournoi : {sets} ; classement {'/'.join(_pairs(rng, last=30))}."


def _postcodes(rng: random.Random) -> str:
    codes = [rng.choice(_DEPARTMENTS) + _number(rng, 3) for _ in range(3)]
    return f"Communes desservies : {', '.join(codes)} {rng.choice(_TOWNS)}, CS {_number(rng, 5)}."


def _references(rng: random.Random) -> str:
    number = rng.choice((f"0{_number(rng, 9)}", _number(rng, 10), f"{_number(rng, 4)}-{_number(rng, 6)}"))
    return f"{rng.choice(_NOUNS).capitalize()} n° {number}, à rappeler le premier jour."


def _lists(rng: random.Random) -> str:
    sign = rng.choice((", ", " ; ", ",", ";", " - ", " / ", " puis ", " et ", " | "))
    return f"Accueil dans les {rng.choice(_NUMBERED)} {sign.join(_pairs(rng, last=60))} selon les jours."


def _departments(rng: random.Random) -> str:
    found = rng.sample(_DEPARTMENTS, 5)
    return f"Offre ouverte aux élèves des départements {rng.choice((', ', ',', ';', ' / ')).join(found)}."


def _bare_departments(rng: random.Random) -> str:
    found = rng.sample(_DEPARTMENTS, 5)
    return f"{rng.choice((', ', ',', ';', '; ')).join(found)} : nos agences."


def _tables(rng: random.Random) -> str:
    return f"|{'|'.join(_pairs(rng, last=60))}| élèves par semaine"


def _products(rng: random.Random) -> str:
    return f"Vous verrez monter un {rng.choice(_PRODUCTS)}, réf. {_number(rng, 3)}.{_number(rng, 3)}.{_number(rng, 2)}."


def _sites(rng: random.Random) -> str:
    site = rng.choice(_SITES)
    return rng.choice(
        (
            f"Présent à {site} depuis {rng.randint(1950, 2020)}, notre {rng.choice(_TRADES)} recrute.",
            f"À retrouver sur {site}, rubrique {rng.choice(_TRADES)}, {rng.randint(1, 99)} offres.",
            f"Rendez-vous à {site.capitalize()} le {_day(rng)}.",
            f"Une visite à {site}/stages, puis un échange à {rng.choice(_TOWNS)} ({rng.randint(1, 99)} min).",
            f"Inscription en ligne à {site} : {rng.randint(1, 40)} places.",
            f"Voir le guide stage-{rng.randint(1, 99)}.pdf à {site}.",
            f"Un stage chez {site.partition('.')[0].capitalize()}, at work {rng.randint(1, 9)} jours.",
        )
    )


def _coordinates(rng: random.Random) -> str:
    return f"GPS : {rng.uniform(42, 51):.6f}, {rng.uniform(-4, 8):.6f} ; altitude {_number(rng, 3)} m."


def _identifiers(rng: random.Random) -> str:
    return rng.choice(
        (
            f"TVA FR{_number(rng, 2)}{_number(rng, 9)}",
            f"UAI 0{_number(rng, 6)}{rng.choice('ABCDEF')}",
            f"ISBN 978-2-{_number(rng, 2)}-{_number(rng, 6)}-{rng.randint(0, 9)}",
            f"RNA W{_number(rng, 9)}",
            f"version 0{rng.randint(1, 9)}.{_number(rng, 2)}.{_number(rng, 2)}.{_number(rng, 2)}",
            f"IBAN FR76 {_number(rng, 4)} {_number(rng, 4)} {_number(rng, 4)} {_number(rng, 4)} {_number(rng, 4)} 123",
        )
    )


def _addresses(rng: random.Random) -> str:
    town = f"{rng.choice(_DEPARTMENTS)}{_number(rng, 3)} {rng.choice(_TOWNS)}"
    return f"{rng.randint(1, 99)} quai Lamennais, bâtiment {rng.choice('ABC')}, {town}, étage {rng.randint(1, 9)}."


def _measures(rng: random.Random) -> str:
    groups = (
        f"{_number(rng, 2)}+{_number(rng, 2)}+{_number(rng, 2)} élèves, ratio {rng.randint(1, 9)}:{rng.randint(1, 9)}"
    )
    return f"Pièces de {_number(rng, 2)} x {_number(rng, 2)} x {_number(rng, 3)} mm, {groups}."


def _clocks(rng: random.Random) -> str:
    device = ":".join(("06", str(rng.randint(10, 99)), "ab", str(rng.randint(10, 99)), "cd", str(rng.randint(10, 99))))
    return f"Chronomètre : 0{rng.randint(0, 9)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}, adresse {device}."


KINDS: tuple[Callable[[random.Random], str], ...] = (
    *(_dates, _short_dates, _siret, _prices, _hours, _surfaces, _scores, _postcodes, _references, _lists, _departments),
    *(_bare_departments, _tables, _products, _sites, _coordinates, _identifiers, _addresses, _measures, _clocks),
)


def realistic(count: int) -> Iterator[str]:
    """So many different texts, all kinds in rotation; the same ones each time."""
    rng, seen, number = random.Random(SEED), set[str](), 0
    while len(seen) < count:
        first = KINDS[number % len(KINDS)](rng)
        text = first if rng.random() < 0.5 else f"{first}\n{rng.choice(KINDS)(rng)}"
        number += 1
        if text not in seen:
            seen.add(text)
            yield text
