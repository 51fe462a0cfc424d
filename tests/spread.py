"""How pytest-xdist spreads the tests over its workers: whole files, the longest first. With four workers or more every
second one begins with the files that wait more than they compute, so that the processors are busy and not overloaded.
"""

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

LONGEST = (
    "conformance/test_partners.py",
    "deploy/test_image.py",
    "conformance/test_mutants.py",
    "conformance/test_gateway_role.py",
    "fuzz/test_growth.py",
    "conformance/test_independent.py",
    "demo/test_demo.py",
    "end_to_end/test_killed_request.py",
    "faults/test_kafka.py",
    "pages/test_browser.py",
    "faults/test_cluster.py",
    "cli/test_publish.py",
    "partners/test_concurrent_changes.py",
    "api/write/test_contract.py",
    "end_to_end/test_shortage.py",
    "conformance/test_same_answers.py",
    "faults/test_embedded.py",
    "conformance/test_root_cause.py",
    "cli/test_languages.py",
    "conformance/test_plugin.py",
    "docs/test_recipes.py",
    "interconnection/test_interconnection_drain.py",
    "national/model/test_national_model.py",
    "api/write/test_results.py",
    "log/contract/test_kafka_log.py",
    "log/kafka/test_outage.py",
    "interconnection/test_interconnection_matrix.py",
    "damage/test_index.py",
    "cli/test_app.py",
    "conformance/test_batch.py",
    "clients/test_generated_clients.py",
    "threats/test_logs.py",
    "national/connector/test_bad_offers.py",
    "damage/test_running.py",
    "log/kafka/test_broker.py",
    "schemas/test_agreement.py",
    "conformance/test_cli.py",
    "cli/test_doctor.py",
    "cli/test_certificate.py",
    "interconnection/test_interconnection_takeover.py",
    "rolling/test_rolling_deploy.py",
    "conformance/test_wheel.py",
    "log/kafka/test_leaderless.py",
    "log/contract/test_sqlite_log.py",
    "conformance/test_report_page.py",
    "transport/test_limit.py",
    "end_to_end/test_federation.py",
    "api/read/test_receipts.py",
    "formats/test_format_memory.py",
    "national/connector/test_national_command.py",
    "damage/test_damage.py",
    "interconnection/test_interconnection_bad_feeds.py",
    "log/kafka/test_cut_off.py",
    "interconnection/test_interconnection_samples.py",
    "setup/test_container.py",
    "conformance/test_certify.py",
    "national/connector/test_adopting.py",
    "log/kafka/test_owner.py",
    "cli/test_tally.py",
    "pull/test_pulls.py",
    "log/kafka/test_connection.py",
    "end_to_end/test_workers.py",
    "model/test_model.py",
    "relay/test_relay.py",
    "cli/test_wrong_folder.py",
    "pull/test_stopping.py",
    "national/connector/test_unknown_outcome.py",
    "national/connector/test_draining.py",
    "formats/test_format_garbled.py",
    "national/connector/test_killing.py",
    "threats/test_fair_shares.py",
    "cli/test_widths.py",
    "national/connector/test_inbound.py",
    "conformance/test_national_role.py",
)
"""The files that take longest, longest first; the rest follows in its own order."""

OWN_BROKERS = (
    "demo/",
    "faults/",
    "log/kafka/test_broker.py",
    "log/kafka/test_cut_off.py",
    "log/kafka/test_leaderless.py",
    "log/kafka/test_outage.py",
    "log/kafka/test_security.py",
)
"""Tests on Kafka with brokers of their own."""

WAITING = (
    "conformance/test_partners.py",
    "conformance/test_mutants.py",
    "conformance/test_independent.py",
    "conformance/test_root_cause.py",
    "conformance/test_national_role.py",
    "conformance/test_certifiable.py",
    "conformance/test_certify.py",
    "end_to_end/test_killed_request.py",
    "interconnection/test_interconnection_takeover.py",
    "log/kafka/test_outage.py",
    "national/connector/test_bad_offers.py",
)
"""Files that use less than half a processor."""

_UNNAMED = ("pull/test_replicas.py",)
"""Files on the shared broker whose tests' ids do not say so."""
_BROKER = "the shared broker"
_MIXED = 4
"""Fewer workers take all units alike."""


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file is one unit of work, so that what its module sets up is set up once."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        here = next((one for one in self.workqueue if waits(one) == self._is_patient(node)), None)
        if here is not None:
            self.workqueue.move_to_end(here, last=False)
        super()._assign_work_unit(node)

    def _is_patient(self, node: WorkerController) -> bool:
        return is_patient(int(node.gateway.id.removeprefix("gw")), self.numnodes)


def is_patient(worker: int, workers: int) -> bool:
    """Whether a worker takes the units that wait first; the others take them last."""
    return workers >= _MIXED and worker % 2 == 1


def waits(unit: str) -> bool:
    """Whether a unit waits more than it computes."""
    return unit == _BROKER or unit in WAITING


def unit(nodeid: str) -> str:
    """What runs in one worker, in order: a file; and all tests on the shared broker, so that one worker starts it."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    shared = path.startswith(_UNNAMED) or ("kafka" in nodeid.lower() and not path.startswith(OWN_BROKERS))
    return _BROKER if shared else path


def rank(nodeid: str) -> int:
    """Where a test comes: the shared broker's first, then the longest files."""
    here = unit(nodeid)
    return -1 if here == _BROKER else LONGEST.index(here) if here in LONGEST else len(LONGEST)
