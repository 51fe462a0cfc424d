"""An event log in memory, for the mock and for tests, with the gaps and aborts of a real one."""

from gateway.log.memory.log import MemoryLog
from gateway.log.memory.store import Store

__all__ = ["MemoryLog", "Store"]
