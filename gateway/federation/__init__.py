"""A running federation: its parts, and the facts and acts that API, pages and commands share.

federation.py  the parts                            counters.py, gauges.py  the metrics endpoint
status.py      the state of each platform           figures.py  what everybody may know
platform.py    one platform today, and its secret   offers.py   search, history, moderated ones
refused.py     refused offers with their reasons    checks.py   journal audited, gateway examined
doctor.py      what settings, disk and log have wrong
national.py    what the adapter says of the site    journal.py  acts about an offer or a platform
systems.py     the systems, for an operator          moderation.py  any offer, and its moderation
"""

from gateway.federation.federation import Federation

__all__ = ["Federation"]
