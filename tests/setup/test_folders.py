"""The folders of the tests mirror the rooms of the product, so that the tests of a file are found without a search."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
ROOMS = (ROOT, ROOT / "gateway", ROOT / "adapters")
"""Where the room of a folder of tests is looked for."""
WHOLE = {
    "browser": "what tests in a browser share",
    "damage": "damaged files, whichever room wrote them",
    "end_to_end": "the gateway from outside",
    "faults": "the federation while parts of it fail",
    "fuzz": "random input to every input",
    "interconnection": "nine platforms and the national site",
    "model": "the gateway beside a small model of the protocol",
    "recordings": "recorded traffic",
    "rolling": "two versions of the gateway at once",
    "setup": "the repository: set-up, release, folders",
    "threats": "the threat model, line by line",
}
"""Tests of no single room, and why."""
PARTS = {
    "api/read": "routes that read",
    "api/write": "routes that write",
    "clients/programs": "programs of partners",
    "conformance/independent": "programs that the kit is tried on",
    "conformance/mutants": "wrong systems and how the kit finds them",
    "formats/drafting": "profiles drafted from a sample",
    "ingest/intake": "from a request to the log",
    "log/contract": "what every log keeps",
    "national/model": "the national site beside a small model",
    "pages/states": "pages in every state",
    "recordings/data": "the recordings",
    "schemas/fresh": "generated documents are fresh",
}
"""Parts of a folder that are no room, and why."""


def _folders(below: Path) -> list[Path]:
    return [path for path in below.iterdir() if path.is_dir() and path.name[:1] not in "_."]


def _is_room(name: str) -> bool:
    return any((room / name).is_dir() or (room / f"{name}.py").is_file() for room in ROOMS)


def test_each_folder_of_tests_has_its_room_or_a_reason() -> None:
    names = {path.name for path in _folders(TESTS)}
    assert sorted(WHOLE) == sorted(name for name in names if not _is_room(name))


def test_each_folder_within_has_its_part_of_the_room_or_a_reason() -> None:
    within = {f"{folder.name}/{part.name}" for folder in _folders(TESTS) for part in _folders(folder)}
    assert sorted(PARTS) == sorted(name for name in within if not _is_room(name))


def test_the_kits_tests_stand_in_the_folder_of_their_room() -> None:
    rooms = {path.name for path in _folders(ROOT / "conformance")} - {"cases"}
    assert rooms == {path.name for path in _folders(TESTS / "conformance")} - {"independent", "mutants"}
