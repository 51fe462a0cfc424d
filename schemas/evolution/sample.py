"""Documents that try rules: a sound offer changed at random, and offers at the limits of lists and calendars."""

import random
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

_TEXTS = (
    "Découvrir le métier",
    "Décou\u00advrir",
    "Écrivez à jean.dupont@exemple.fr",
    "Tél. 06 12 34 56 78",
    "a\u200bb",
    "Un test",
    "x" * 150,
    "é" * 275,
    "e\u0301",
    "<b>fort</b>",
    " bord ",
    "deux\nlignes",
    "www.exemple.fr",
    "😀",
)
_ADDRESSES = (
    "https://exemple.fr/",
    "https://test.exemple.fr/offres/1?x=1#y",
    "https://exemple.fr:8443/a%20b",
    "https://exemple.fr/?mail=a%40exemple.fr",
    "https://staging.exemple.fr/",
)
_LEVELS = (["seconde"], ["troisieme"], ["quatrieme"], ["troisieme", "seconde"], ["quatrieme", "troisieme"])
_HOURS = ("06:00", "08:30", "12:00", "13:30", "17:00", "20:00", "22:00")
_AHEAD = (0, 1, 40, 200, 399, 400, 401)
"""Days between receipt and the last day, around the limit of the rules."""


def day_of(example: Mapping[str, Any]) -> date:
    """A day of receipt on which an example is no offer of the past and none of a far future."""
    week = min(example["weeks"])
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1) - timedelta(days=200)


def changed(example: Mapping[str, Any], dice: random.Random, on: date) -> dict[str, Any]:
    """The example with some fields changed or left out at random; its weeks are around the limits for that day."""
    offer: dict[str, Any] = deepcopy(dict(example))
    for name in sorted(offer.keys() - {"id", "revision", "title", "description", "employer", "location", "weeks"}):
        if name not in {"levels", "sector", "apply_url"} and dice.random() < 0.4:
            del offer[name]
    monday = on + timedelta(days=dice.choice(_AHEAD))
    weeks = [monday + timedelta(weeks=more) for more in range(dice.choice((1, 1, 2, 3)))]
    ours = dice.random() < 0.5
    offer["weeks"] = offer["weeks"] if ours else [day.strftime("%G-W%V") for day in weeks]
    for name in () if ours else ("expires_on", "stay_weeks"):
        offer.pop(name, None)
    for change in dice.sample(_CHANGES, dice.choice((1, 1, 2, 3))):
        change(offer, dice)
    return offer


def _text(offer: dict[str, Any], dice: random.Random) -> None:
    home, name = dice.choice(
        [(offer, "title"), (offer, "description"), (offer["employer"], "name"), (offer["employer"], "description")]
    )
    home[name] = dice.choice(_TEXTS)


def _address(offer: dict[str, Any], dice: random.Random) -> None:
    home, name = dice.choice([(offer, "apply_url"), (offer["employer"], "website")])
    home[name] = dice.choice(_ADDRESSES)


def _levels(offer: dict[str, Any], dice: random.Random) -> None:
    offer["levels"] = dice.choice(_LEVELS)
    offer["stay_weeks"] = dice.choice((1, 2))


def _hours(offer: dict[str, Any], dice: random.Random) -> None:
    days = dice.sample(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday"), dice.choice((1, 3, 5, 6)))
    start, end = sorted(dice.sample(_HOURS, 2))
    offer["schedule"] = {
        day: {"start": start, "end": end, "break_minutes": dice.choice((0, 29, 30, 60))} for day in days
    }


def _move(offer: dict[str, Any], dice: random.Random) -> None:
    for name in dice.sample(("insee_commune", "latitude", "street"), dice.choice((1, 2))):
        offer["location"].pop(name, None)
    if "latitude" not in offer["location"]:
        offer["location"].pop("longitude", None)
    offer["location"]["postal_code"] = dice.choice(("35000", "75001", "97400", "20000", "98000", "29870", "00000"))


def _restriction(offer: dict[str, Any], dice: random.Random) -> None:
    offer["restrictions"] = {name: dice.random() < 0.5 for name in dice.sample(("rep", "qpv"), dice.choice((1, 2)))}


def _redistribution(offer: dict[str, Any], dice: random.Random) -> None:
    offer["redistribution"] = {name: dice.random() < 0.5 for name in ("national", "regions", "mask_employer")}


def _extension(offer: dict[str, Any], dice: random.Random) -> None:
    offer["extensions"] = {"bretagne": {"a": dice.choice((*_TEXTS, 1, True, None, ["a"], "x" * 3900))}}


_CHANGES = (_text, _text, _address, _levels, _hours, _move, _restriction, _redistribution, _extension)


def at_limits(example: Mapping[str, Any], calendar: Mapping[str, Any]) -> Iterator[tuple[date, dict[str, Any]]]:
    """Offers of a school year with the longest day and week that its calendar allows, each with a day of receipt."""
    hours, first = calendar["hours"], date.fromisoformat(calendar["first"])
    for start in (first + timedelta(days=7), date.fromisoformat(calendar["last"]) - timedelta(days=20)):
        monday = start - timedelta(days=start.weekday())
        for level, week in (("seconde", hours["week_minutes"]), ("troisieme", hours["college_week_minutes"])):
            for days in (1, hours["days"]):
                net = min(hours["day_minutes"], week // days)
                day = {"start": "08:00", "end": _clock(480 + net + 60), "break_minutes": 60}
                names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[:days]
                offer = {name: value for name, value in example.items() if name not in {"expires_on", "restrictions"}}
                yield (
                    monday - timedelta(days=60),
                    {
                        **offer,
                        "levels": [level],
                        "weeks": [monday.strftime("%G-W%V")],
                        "stay_weeks": 1,
                        "schedule": dict.fromkeys(names, day),
                    },
                )


def offers_at(
    example: Mapping[str, Any], postcodes: Mapping[str, Sequence[str]], chosen: Sequence[str]
) -> Iterator[Any]:
    """Offers at every commune of some postcodes, by its name and by its code."""
    for postcode in chosen:
        for town in postcodes[postcode]:
            code, name = town.split(" ", 1)
            for location in ({"city": name}, {"city": name, "insee_commune": code}):
                yield {**example, "location": {"postal_code": postcode, **location}}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
