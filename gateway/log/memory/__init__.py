"""An event log in memory, for tests and trials, with the gaps, aborts and faults of a real one."""

from gateway.log.memory.log import MemoryLog
from gateway.log.memory.store import Store, WriteFault

__all__ = ["MemoryLog", "Store", "WriteFault"]
