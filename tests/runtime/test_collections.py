"""Garbage collections stop every thread of a process, so each has to be short."""

import gc
from typing import Any

from gateway.runtime.loop import bound_collections


def test_a_garbage_collection_takes_about_two_thousand_young_objects() -> None:
    """It took twenty thousand: connections that come and go left 23,000 for one pause of 20 ms and more."""
    collected: list[int] = []

    def note(phase: str, info: dict[str, Any]) -> None:
        if phase == "stop" and info["generation"] == 0:
            collected.append(info["collected"])

    before = gc.get_threshold()
    try:
        bound_collections()
        gc.callbacks.append(note)
        for _ in range(30_000):
            cycle: list[Any] = []
            cycle.append(cycle)
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*before)
        gc.unfreeze()
    assert len(collected) > 10
    assert max(collected) <= 2_500
