"""The composition root: the one place that knows concrete classes, and puts the gateway together from settings.

log.py      the event log of the settings      parts.py    what answers partners, built alike in every process
keeper.py   what keeps the federation going    serving.py  sockets, and what listens on them
worker.py   further processes that answer      turn.py     connections that they take in turn
gateway.py  one running gateway
"""

from gateway.bootstrap.gateway import Gateway, running
from gateway.bootstrap.log import kafka_settings, log_path, open_log, topics_of
from gateway.bootstrap.serving import signing_key_of, with_signing_key

__all__ = [
    "Gateway",
    "kafka_settings",
    "log_path",
    "open_log",
    "running",
    "signing_key_of",
    "topics_of",
    "with_signing_key",
]
