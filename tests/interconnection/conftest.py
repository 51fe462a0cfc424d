"""The matrix is played once on each log; its tests read the result."""

import pytest

from gateway.runtime.loop import run
from tests.interconnection.matrix import Matrix
from tests.interconnection.play import play


@pytest.fixture(scope="session", params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    kafka = request.getfixturevalue("kafka_servers") if request.param == "kafka" else None
    return run(play(tmp_path_factory.mktemp("interconnection"), kafka=kafka))
