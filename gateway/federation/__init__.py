"""A running federation: its parts, and the facts and acts that API, pages and commands share.

federation.py  the parts                            counters.py, gauges.py  the metrics endpoint
status.py      the state of each platform           figures.py  what everybody may know
"""

from gateway.federation.federation import Federation

__all__ = ["Federation"]
