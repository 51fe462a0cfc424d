"""The quick lane starts no other process, and its table names existing files only."""

import subprocess

import pytest

from tests import lanes, spread


def test_every_entry_of_the_table_names_a_file_or_a_folder() -> None:
    assert [] == [
        name
        for name in (*lanes.SLOW, *spread.LONGEST, *spread.WAITING, *spread.OWN_BROKERS)
        if not (lanes.ROOT / "tests" / name).exists()
    ]


def test_every_long_test_exists() -> None:
    for name in lanes.LONG:
        path, _, function = name.partition("::")
        assert f"def {function}(" in (lanes.ROOT / "tests" / path).read_text(), name


def test_a_quick_test_cannot_start_a_process(request: pytest.FixtureRequest) -> None:
    assert lanes.is_quick(request.node)
    with pytest.raises(lanes.StartedProcessError, match="test_a_quick_test_cannot_start_a_process"):
        subprocess.run(["true"], check=False)


def test_a_folder_of_the_table_is_left_out_with_all_that_it_holds() -> None:
    tests = lanes.ROOT / "tests"
    assert lanes.PROCESSES == lanes.reason(tests / "faults" / "test_kafka.py") == lanes.reason(tests / "faults")
    assert lanes.reason(tests / "schemas" / "test_week.py") is None
    assert lanes.reason(lanes.ROOT) is None


def test_two_of_many_workers_compute_and_the_others_begin_with_what_waits() -> None:
    assert [False, False, True, True, True] == [spread.is_patient(worker, 5) for worker in range(5)]
    assert not any(spread.is_patient(worker, 3) for worker in range(3))
    assert spread.waits("conformance/test_partners.py")
    assert spread.waits(spread.unit("tests/log/kafka/test_owner.py::test_a"))
    assert not spread.waits("fuzz/test_growth.py")


def test_tests_on_the_shared_broker_run_in_one_worker() -> None:
    assert spread.unit("tests/log/kafka/test_owner.py::test_a") == spread.unit(
        "tests/end_to_end/test_federation.py::test_b[kafka]"
    )
    assert "end_to_end/test_federation.py" == spread.unit("tests/end_to_end/test_federation.py::test_b[embedded]")
    assert "log/kafka/test_outage.py" == spread.unit("tests/log/kafka/test_outage.py::test_c")
    assert spread.rank("tests/log/kafka/test_owner.py::test_a") < spread.rank("tests/demo/test_demo.py::test_d")
