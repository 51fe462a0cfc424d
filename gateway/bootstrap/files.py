"""The local copies of a data folder: their files, tables and formats."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from gateway.bootstrap.views import VIEWS
from gateway.runtime.sqlite_damage import Tables
from gateway.store.copy_file import META_TABLE
from gateway.store.relay_state import RelayState
from gateway.store.view import View

_COPIES: Mapping[str, type[View | RelayState | Outbox | InboundState]] = {
    **{f"views/{topic}.sqlite": kind for topic, kind in VIEWS.items()},
    "relay/relay-*.sqlite": RelayState,
    "national/outbox-*.sqlite": Outbox,
    "national/inbound.sqlite": InboundState,
}


def local_copies(data: Path) -> Iterator[tuple[Path, Tables, int]]:
    """The existing local copies in a data folder, with their tables and their format."""
    for pattern, kind in _COPIES.items():
        for path in sorted(data.glob(pattern)):
            yield path, {**META_TABLE, **kind.TABLES}, kind.FORMAT
