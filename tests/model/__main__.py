"""The long run: ``python -m tests.model --examples 2000``. New sequences each time; a failing one is shrunk."""

import argparse
import sys

import structlog
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console

from tests.model.machine import Federation

OUT = Console(highlight=False)


def main() -> int:
    """Read the arguments, play, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000, help="how many sequences, each on a fresh gateway")
    parser.add_argument("--steps", type=int, default=60, help="how many requests each")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    profile = settings(
        max_examples=arguments.examples,
        stateful_step_count=arguments.steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Federation, settings=profile)
    OUT.print(f"{arguments.examples} sequences of up to {arguments.steps} requests: all as the model predicts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
