"""The composition root: the one place that knows concrete classes, and puts the gateway together from settings.

log.py      the event log of the settings      parts.py    what answers partners, built alike in every process
keeper.py   what keeps the federation going    serving.py  sockets, and what listens on them
worker.py   further processes that answer      turn.py     connections that they take in turn
gateway.py  one running gateway                signing_key.py  the file of the keys that sign tokens

``Gateway`` and ``running`` are imported on first use: a command that only opens the log starts in a third of the time.
"""

import importlib
from typing import TYPE_CHECKING

from gateway.bootstrap.log import kafka_settings, log_path, open_log, topics_of
from gateway.bootstrap.signing_key import signing_key_of, with_signing_key

if TYPE_CHECKING:
    from gateway.bootstrap.gateway import Gateway, running

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


def __getattr__(name: str) -> object:
    if name in {"Gateway", "running"}:
        return getattr(importlib.import_module("gateway.bootstrap.gateway"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
