"""Skips tests that control brokers of their own where a running cluster is named instead."""

import os

import pytest

from demo.jars import missing


def need_local_kafka() -> None:
    """Skip the test where no broker can be started, with the reason; fail it with ``CI=true``."""
    unavailable = missing()
    if unavailable is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"kafka: {unavailable}")
