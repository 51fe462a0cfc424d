"""Hours of presence in the site's form: French day names, hours without leading zero, no Sunday."""

from collections.abc import Mapping
from typing import Any

DAYS = {
    "monday": "lundi",
    "tuesday": "mardi",
    "wednesday": "mercredi",
    "thursday": "jeudi",
    "friday": "vendredi",
    "saturday": "samedi",
}


def daily_hours(schedule: Mapping[str, Any]) -> dict[str, list[str]]:
    """``{"lundi": ["9:00", "16:30"], …}``. The site has no Sunday: its hours are left out."""
    return {
        french: [_unpadded(schedule[day]["start"]), _unpadded(schedule[day]["end"])]
        for day, french in DAYS.items()
        if day in schedule
    }


def lunch_break(schedule: Mapping[str, Any]) -> str | None:
    """The text about the lunch break. The site's web form requires 11 characters, its API none."""
    text: str | None = schedule.get("lunch_break")
    return text


def _unpadded(time: str) -> str:
    return f"{int(time[:2])}:{time[3:]}"
