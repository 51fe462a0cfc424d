"""The priority of the gateway's own process beside its workers."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

_PROGRAM = """
import os, threading
from gateway.runtime.loop import yield_processor
before = threading.Event()
seen = []
def look():
    before.wait()
    seen.append(os.nice(0))
early = threading.Thread(target=look)
early.start()
own = os.nice(0)
yield_processor()
before.set()
early.join()
late = threading.Thread(target=look)
late.start()
late.join()
print([nice - own for nice in (*seen, os.nice(0))])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
def test_a_process_that_yields_does_so_with_all_its_threads() -> None:
    """Its threads decide and update views: they took processor time from the workers."""
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "[5, 5, 5]\n"
