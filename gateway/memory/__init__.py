"""An event log in plain memory: for tests and trials, with the gaps, aborts and faults of a real one."""

from gateway.memory.fault import Fault
from gateway.memory.log import MemoryLog
from gateway.memory.store import Store

__all__ = ["Fault", "MemoryLog", "Store"]
