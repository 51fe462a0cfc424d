"""Each test is in one lane, which its file's source shows; a quick test starts no process and does not compute long."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import lanes, spread
from tests.lanes import Lane

HEAD = "import pytest\n"


def read(tmp_path: Path, source: str) -> set[Lane]:
    path = tmp_path / "test_one.py"
    path.write_text(HEAD + source)
    return set(lanes.lanes_of(path))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def test_a(): pass", {Lane.QUICK}),
        ("def test_a(browser): pass", {Lane.QUICK}),
        ('"""pytestmark = pytest.mark.slow"""\ndef test_a(): pass', {Lane.QUICK}),
        ("pytestmark = pytest.mark.slow\ndef test_a(): pass", {Lane.REST}),
        ("pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]", {Lane.REST}),
        ("pytestmark = pytest.mark.timeout(300)", {Lane.QUICK}),
        ("pytestmark = [pytest.mark.node, pytest.mark.smoke]", {Lane.SMOKE}),
        ("pytestmark = pytest.mark.slow\n@pytest.mark.smoke\ndef test_a(): pass", {Lane.REST, Lane.SMOKE}),
        ("@pytest.mark.slow\ndef test_a(): pass", {Lane.QUICK, Lane.REST}),
        ("@pytest.mark.smoke\ndef test_a(): pass", {Lane.QUICK, Lane.SMOKE}),
        ("pytestmark = [pytest.mark.slow, pytest.mark.alone]", {Lane.ALONE}),
        ("@pytest.mark.slow\n@pytest.mark.alone\ndef test_a(): pass", {Lane.QUICK, Lane.REST, Lane.ALONE}),
        ("def test_a(kafka_broker): pass", {Lane.QUICK, Lane.REST}),
        ("ONE = pytest.param(1, marks=pytest.mark.browser)", {Lane.QUICK, Lane.REST}),
    ],
)
def test_the_lanes_of_a_file_are_read_from_its_marks(tmp_path: Path, source: str, expected: set[Lane]) -> None:
    assert expected == read(tmp_path, source)


def test_every_file_is_read_by_a_run_for_each_of_its_lanes() -> None:
    together = [lane for run in ("smoke", "rest", "alone") for lane in lanes.RUNS[run]]
    assert sorted(Lane) == sorted(together), "once each"


def test_a_test_without_a_mark_is_quick(request: pytest.FixtureRequest) -> None:
    assert Lane.QUICK == lanes.lane(request.node)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (("slow",), Lane.REST),
        (("kafka",), Lane.REST),
        (("slow", "smoke"), Lane.SMOKE),
        (("slow", "alone"), Lane.ALONE),
        (("skipif",), Lane.QUICK),
    ],
)
def test_a_marked_test_is_in_the_lane_of_its_marks(
    request: pytest.FixtureRequest, marks: tuple[str, ...], expected: Lane
) -> None:
    item: pytest.Item = request.node
    for mark in marks:
        item.add_marker(mark)
    assert expected == lanes.lane(item)
    item.own_markers[:] = [mark for mark in item.own_markers if mark.name not in marks]  # for the guard


def test_a_mark_that_the_source_does_not_show_is_noticed(request: pytest.FixtureRequest) -> None:
    item: pytest.Item = request.node
    assert lanes.agrees_with_source(item)
    item.add_marker("smoke")  # its source shows no such mark: --smoke would find it, if it read this file
    try:
        assert not lanes.agrees_with_source(item)
    finally:
        item.own_markers.pop()


def test_a_quick_test_cannot_start_a_process() -> None:
    with pytest.raises(lanes.StartedProcessError, match="test_a_quick_test_cannot_start_a_process"):
        subprocess.run(["true"], check=False)


def test_a_quick_test_that_computes_for_long_fails(request: pytest.FixtureRequest) -> None:
    guard = lanes.QuickGuard()
    with guard.around(request.node), pytest.raises(lanes.ComputedLongError, match="mark it slow"), guard.clocked(0.0):
        sum(range(100_000))
    with guard.around(request.node), guard.clocked():
        pass


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_test_is_in_make_test_or_alone_or_in_the_rest() -> None:
    """Also the tests of files that one of both runs does not import."""
    smoke, rest, alone, all_of_them = (collected(option) for option in ("--smoke", "--rest", "--alone", "--co"))
    assert smoke
    assert rest
    assert alone
    assert len(smoke | rest | alone) == len(smoke) + len(rest) + len(alone)
    assert all_of_them == smoke | rest | alone


def collected(option: str) -> frozenset[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", option]
    found = subprocess.run(command, cwd=lanes.ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return frozenset(line for line in found.stdout.splitlines() if "::" in line)


def test_two_of_many_workers_compute_and_the_others_begin_with_what_waits() -> None:
    assert [False, False, True, True, True] == [spread.is_patient(worker, 5) for worker in range(5)]
    assert not any(spread.is_patient(worker, 3) for worker in range(3))
    assert spread.waits("conformance/role/test_partners.py")
    assert spread.waits(spread.unit("tests/log/kafka/test_owner.py::test_a"))
    assert not spread.waits("fuzz/test_growth.py")


def test_tests_on_the_shared_broker_run_in_one_worker() -> None:
    assert spread.unit("tests/log/kafka/test_owner.py::test_a") == spread.unit(
        "tests/end_to_end/test_federation.py::test_b[kafka]"
    )
    assert "end_to_end/test_federation.py" == spread.unit("tests/end_to_end/test_federation.py::test_b[embedded]")
    assert "log/kafka/test_outage.py" == spread.unit("tests/log/kafka/test_outage.py::test_c")
    assert spread.rank("tests/log/kafka/test_owner.py::test_a") < spread.rank("tests/demo/test_demo.py::test_d")


def test_every_file_that_is_spread_by_name_exists() -> None:
    names = (*spread.LONGEST, *spread.WAITING, *spread.OWN_BROKERS)
    assert [] == [name for name in names if not (lanes.ROOT / "tests" / name).exists()]
