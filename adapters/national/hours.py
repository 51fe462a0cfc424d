"""Hours of presence as the site takes them: French day names, hours without leading zero, no Sunday."""

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
SHORTEST_BREAK = 11
"""Characters below which the site refuses the text about the lunch break."""
_LEAD = "Pause déjeuner : "


def daily_hours(schedule: Mapping[str, Any]) -> dict[str, list[str]]:
    """``{"lundi": ["9:00", "16:30"], …}``. The site has no Sunday: what is said of it is left out."""
    return {
        french: [_unpadded(schedule[day]["start"]), _unpadded(schedule[day]["end"])]
        for day, french in DAYS.items()
        if day in schedule
    }


def lunch_break(schedule: Mapping[str, Any]) -> str | None:
    """The text about the lunch break, led in where the site would find it too short."""
    text: str | None = schedule.get("lunch_break")
    return _LEAD + text if text is not None and len(text) < SHORTEST_BREAK else text


def _unpadded(time: str) -> str:
    return f"{int(time[:2])}:{time[3:]}"
