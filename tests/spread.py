"""How pytest-xdist spreads the tests over its workers: whole files, the longest first."""

from xdist.scheduler import LoadScopeScheduling

LONGEST = (
    "fuzz/test_growth.py",
    "demo/test_demo.py",
    "faults/test_kafka.py",
    "faults/test_cluster.py",
    "conformance/test_gateway_role.py",
    "interconnection/test_interconnection_drain.py",
    "conformance/test_mutants.py",
    "kafka/test_outage.py",
    "interconnection/test_interconnection_matrix.py",
    "cli/test_certificate.py",
    "contract/test_kafka_log.py",
    "cli/test_widths.py",
    "national/test_bad_offers.py",
    "faults/test_embedded.py",
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

OWN_BROKERS = (
    "demo/",
    "faults/",
    "kafka/test_broker.py",
    "kafka/test_cut_off.py",
    "kafka/test_leaderless.py",
    "kafka/test_outage.py",
    "kafka/test_security.py",
)
"""Tests on Kafka with brokers of their own."""

_UNNAMED = ("pull/test_replicas.py",)
"""Files on the shared broker whose tests' ids do not say so."""
_BROKER = "the shared broker"


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file is one unit of work, so that what its module sets up is set up once."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def unit(nodeid: str) -> str:
    """What runs in one worker, in order: a file; and all tests on the shared broker, so that one worker starts it."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    shared = path.startswith(_UNNAMED) or ("kafka" in nodeid.lower() and not path.startswith(OWN_BROKERS))
    return _BROKER if shared else path


def rank(nodeid: str) -> int:
    """Where a test comes: the shared broker's first, then the longest files."""
    here = unit(nodeid)
    return -1 if here == _BROKER else LONGEST.index(here) if here in LONGEST else len(LONGEST)
