"""How pytest-xdist spreads the tests over its workers: a worker runs whole files, the longest first."""

from xdist.scheduler import LoadScopeScheduling

LONGEST = (
    "fuzz/test_growth.py",
    "demo/test_demo.py",
    "faults/test_kafka.py",
    "faults/test_cluster.py",
    "conformance/test_gateway_role.py",
    "interconnection/test_interconnection_drain.py",
    "faults/test_embedded.py",
    "conformance/test_mutants.py",
    "kafka/test_outage.py",
    "interconnection/test_interconnection_matrix.py",
    "cli/test_certificate.py",
    "contract/test_kafka_log.py",
    "cli/test_widths.py",
    "national/test_bad_offers.py",
    "cli/test_languages.py",
    "cli/test_doctor.py",
    "cli/test_publish.py",
    "interconnection/test_interconnection_takeover.py",
    "national_model/test_national_model.py",
    "end_to_end/test_shortage.py",
    "damage/test_index.py",
    "api_write/test_contract.py",
    "damage/test_running.py",
    "api_write/test_results.py",
    "conformance/test_partners.py",
    "transport/test_limit.py",
    "cli/test_wrong_folder.py",
    "threats/test_logs.py",
    "pull/test_pulls.py",
    "cli/test_app.py",
    "api_read/test_receipts.py",
    "interconnection/test_interconnection_samples.py",
    "rolling/test_rolling_deploy.py",
    "end_to_end/test_workers.py",
    "relay/test_relay.py",
    "pull/test_stopping.py",
    "contract/test_sqlite_log.py",
    "national/test_inbound.py",
    "conformance/test_national_role.py",
    "model/test_model.py",
)
"""The files that take longest, longest first; the rest follows in its own order."""

_MATRIX = "tests/interconnection/test_interconnection_matrix.py"


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file is one unit of work, so that what its module sets up is set up once. The matrix of the interconnection is
    played once on each log: one unit of work for each.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return f"{path} {'kafka' in nodeid}" if path == _MATRIX else path


def rank(path: str) -> int:
    """Where a file comes among all, by its path below ``tests``."""
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)
