"""The ports of the demo's processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo.broker import _PORTS, free_ports

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_a_process_is_given_no_port_twice() -> None:
    """Of fourteen partners that started together two took the same port, once in sixteen runs."""
    given = [port for _ in range(100) for port in free_ports(2)]
    assert len(given) == len(set(given))


def test_no_other_process_is_given_a_port_before_its_owner_listens() -> None:
    """A broker listens seconds after it was given its ports."""
    given = free_ports(50)
    program = f"import json; from demo.broker import free_ports; print(json.dumps(free_ports({len(_PORTS)})))"
    asked = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    others = json.loads(asked.stdout)
    assert others
    assert set(given).isdisjoint(others)
