"""The demo as a user starts it: it ends by itself, reconciles to zero, and says so with its exit code."""

import asyncio
import os
import re
import sys

import pytest

RUN = "from gateway.cli import main; main()"
SECONDS = 240
"""What a slow machine that does other things as well may take for it; others need ten."""


async def demo(*words):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PASSERELLE_CLIENT")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN,
        "demo",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    return process.returncode, output.decode(), errors.decode()


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("log", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def test_once_reconciles_to_zero(log):
    """Nine platforms, the national subscriber and two regions that read; on Kafka it reads its feed topic."""
    words = ["--kafka"] if log == "kafka" else []
    code, output, errors = await demo("--once", "--offers", "270", *words)
    assert code == 0, output + errors
    assert "Everything reconciles: difference 0" in output
    rows = re.findall(r"^ ([a-z-]+(?:, reading)?) +[\d  ]*(\d+) *$", output, re.MULTILINE)
    differences = {name: int(number) for name, number in rows}
    assert {0} == set(differences.values())
    assert {"bretagne", "occitanie", "bretagne, reading"} <= set(differences)
    assert 11 == len(differences)


async def test_too_few_offers_are_refused_with_a_reason():
    code, _, errors = await demo("--once", "--offers", "5")
    assert code == 2
    assert "--offers" in errors
