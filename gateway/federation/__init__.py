"""A running federation: its parts, and the facts and acts that API, pages and commands share.

federation.py  the parts               counters.py, gauges.py  what the metrics endpoint says
"""

from gateway.federation.federation import Federation

__all__ = ["Federation"]
