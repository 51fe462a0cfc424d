"""The quick lane: which tests ``pytest --quick`` leaves out, and why.

A quick test needs no broker, no other process and no waiting. Whole files are left out by the table below and not even
imported; single tests by the fixtures and markers that they use. A quick test that starts a process fails.
"""

import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]

FIXTURES = frozenset({"kafka_broker", "kafka_cluster", "kafka_servers", "shell"})
"""Fixtures that start a broker, or commands as processes."""

MARKERS = frozenset({"kafka", "samples"})
"""Markers of what this checkout does not hold."""

LOOKUPS = frozenset({"ldconfig", "gcc", "cc", "ld", "objdump"})
"""What ``ctypes.util.find_library`` starts when a module that uses it is imported."""

PROCESSES = "starts processes"
WAITS = "waits for background tasks and timeouts of the code under test"
COMPUTES = "tries many examples, or large ones"

SLOW: dict[str, str] = {
    "api_read/test_changes.py": WAITS,
    "api_read/test_receipts.py": WAITS,
    "api_write/test_batch.py": COMPUTES,
    "api_write/test_contract.py": COMPUTES,
    "api_write/test_ending.py": WAITS,
    "api_write/test_results.py": WAITS,
    "api_write/test_upload.py": WAITS,
    "cli/test_client.py": WAITS,
    "conformance/test_batch.py": COMPUTES,
    "conformance/test_cli.py": COMPUTES,
    "conformance/test_gateway_role.py": PROCESSES,
    "conformance/test_mutants.py": WAITS,
    "conformance/test_national_role.py": WAITS,
    "conformance/test_one_verdict.py": COMPUTES,
    "conformance/test_partners.py": WAITS,
    "conformance/test_patience.py": WAITS,
    "conformance/test_plugin.py": PROCESSES,
    "conformance/test_wheel.py": PROCESSES,
    "contract/test_kafka_log.py": PROCESSES,
    "contract/test_memory_log.py": WAITS,
    "contract/test_sqlite_log.py": WAITS,
    "contract/test_sqlite_process.py": PROCESSES,
    "contract/test_sqlite_writer.py": WAITS,
    "damage": PROCESSES,
    "demo": PROCESSES,
    "docs/test_examples.py": PROCESSES,
    "end_to_end": PROCESSES,
    "faults": PROCESSES,
    "feed/test_feed_topic.py": WAITS,
    "formats/test_format_garbled.py": COMPUTES,
    "formats/test_format_identities.py": COMPUTES,
    "formats/test_format_memory.py": COMPUTES,
    "formats/test_format_reading.py": COMPUTES,
    "fuzz": COMPUTES,
    "intake/test_refusals.py": COMPUTES,
    "interconnection": PROCESSES,
    "kafka/test_broker.py": PROCESSES,
    "model": COMPUTES,
    "national": WAITS,
    "national_model": PROCESSES,
    "national_site/test_agreement_with_the_site.py": COMPUTES,
    "national_site/test_national_simulator.py": PROCESSES,
    "partners/test_concurrent_changes.py": PROCESSES,
    "pull": WAITS,
    "recordings": WAITS,
    "relay/test_local_copy.py": PROCESSES,
    "relay/test_relay.py": WAITS,
    "relay/test_assignment.py": WAITS,
    "rolling": PROCESSES,
    "schemas/test_agreement.py": COMPUTES,
    "schemas/test_check.py": COMPUTES,
    "settings/test_refused_files.py": PROCESSES,
    "setup": PROCESSES,
    "snapshot/test_snapshot.py": WAITS,
    "loop/test_yielding.py": PROCESSES,
    "threats/test_descriptors.py": WAITS,
    "threats/test_fair_shares.py": WAITS,
    "threats/test_library_logs.py": WAITS,
    "threats/test_logs.py": PROCESSES,
    "threats/test_malformed.py": COMPUTES,
    "threats/test_worker_secrets.py": PROCESSES,
    "transport/test_limit.py": PROCESSES,
    "transport/test_tls.py": PROCESSES,
    "upload/test_inflating.py": COMPUTES,
    "views/test_duplicate_index.py": COMPUTES,
    "views/test_follower.py": WAITS,
    "views/test_subscriber.py": COMPUTES,
    "views/test_view_updater.py": WAITS,
    "views/test_search.py": COMPUTES,
}
"""Folder or file below ``tests`` → reason."""


class StartedProcessError(RuntimeError):
    """A test of the quick lane started a process."""


def reason(path: Path) -> str | None:
    """Why a folder or file is left out of the quick lane; None if it is not."""
    if not path.is_relative_to(ROOT / "tests"):
        return None
    inside = PurePosixPath(path.relative_to(ROOT / "tests").as_posix())
    return next((SLOW[str(one)] for one in (inside, *inside.parents) if str(one) in SLOW), None)


def is_quick(item: pytest.Item) -> bool:
    """Whether a test belongs to the quick lane."""
    fixtures: Iterable[str] = getattr(item, "fixturenames", ())
    marked = any(item.get_closest_marker(name) for name in MARKERS)
    return not marked and FIXTURES.isdisjoint(fixtures) and reason(item.path) is None


class ProcessGuard:
    """Fails a quick test where it starts a process, in whichever lane it runs."""

    def __init__(self) -> None:
        self.test: str | None = None
        """The quick test that runs."""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.test is None or event not in {"subprocess.Popen", "os.posix_spawn", "os.fork"}:
            return
        if not (arguments and PurePosixPath(str(arguments[0])).name in LOOKUPS):
            raise StartedProcessError(
                f"{self.test} starts a process: name its file in tests/lanes.py ({arguments[:2]})"
            )
