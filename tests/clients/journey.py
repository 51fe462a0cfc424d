"""What the program of every client does on a live gateway, and the report that it prints."""

from collections.abc import Mapping
from typing import Any

PUBLISHERS = {
    "fetch": "bretagne",
    "hey": "normandie",
    "python": "grand-est",
    "java": "auvergne-rhone-alpes",
    "go": "bourgogne-franche-comte",
    "php": "ile-de-france",
    "typescript-fetch": "nouvelle-aquitaine",
    "python-generator": "pays-de-la-loire",
}
"""The publisher of each client's program."""
SUBSCRIBER = "occitanie"
TITLE = "Découverte d'un atelier de menuiserie"
REVISION = 2**53 - 2
"""The largest but one: 32 bits do not hold it."""


def environ_of(client: str, live: Mapping[str, str], later: str) -> dict[str, str]:
    """The environment of a program."""
    return {
        "URL": live["URL"],
        "LATER_URL": later,
        "PUBLISHER": PUBLISHERS[client],
        "PUBLISHER_SECRET": live[PUBLISHERS[client]],
        "SUBSCRIBER": SUBSCRIBER,
        "SUBSCRIBER_SECRET": live[SUBSCRIBER],
    }


def expected(client: str) -> dict[str, Any]:
    """The report of a program."""
    first, second, third = (f"{PUBLISHERS[client]}:{local}" for local in ("first", "second", "third"))
    return {
        "published": ["accepted", REVISION],
        "judged": ["valid", ["seconde"]],
        "refused": ["/title"],
        "stale": ["stale", REVISION],
        "missing": "not-found",
        "snapshot": {"accepted": 1, "duplicate": 1},
        "absent": 0,
        "before": {first: TITLE, second: TITLE},
        "sequence": True,
        "degrees": [48.1113387, -1.6800198],
        "batch": "aa",
        "withdrawn": "accepted",
        "after": {first: "cancelled", second: "filled", third: TITLE},
        "connected": [True, True, True],
        "accepted": True,
        "regions without a platform": 2,
        "later": [TITLE, "merged", "pause"],
    }
