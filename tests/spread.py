"""How pytest-xdist spreads the tests over its workers: whole files, the longest first. With four workers or more, two
compute, and the others begin with the files that wait more than they compute, so that two processors are busy and not
overloaded.
"""

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

LONGEST = (
    "pages/test_browser.py",
    "conformance/mutants/test_mutants.py",
    "fuzz/test_growth.py",
    "conformance/role/test_partners.py",
    "faults/test_kafka.py",
    "conformance/role/test_gateway_role.py",
    "conformance/test_independent.py",
    "conformance/mutants/test_programs.py",
    "api/write/test_contract.py",
    "deploy/test_image.py",
    "faults/test_cluster.py",
    "demo/test_demo.py",
    "conformance/role/test_root_cause.py",
    "faults/test_embedded.py",
    "cli/test_publish.py",
    "cli/test_certificate.py",
    "conformance/packaging/test_wheel.py",
    "end_to_end/test_killed_request.py",
    "api/write/test_results.py",
    "conformance/cli/test_certifiable.py",
    "conformance/test_same_on_mock.py",
    "cli/test_languages.py",
    "model/test_model.py",
    "clients/test_openapi_generator.py",
    "clients/test_generated_clients.py",
    "log/kafka/test_outage.py",
    "schemas/test_agreement.py",
    "conformance/cli/test_certify.py",
    "schemas/test_personal.py",
    "end_to_end/test_shortage.py",
    "docs/test_recipes.py",
    "formats/test_format_effect.py",
    "conformance/role/test_national_role.py",
    "cli/test_app.py",
    "cli/test_doctor.py",
    "pages/connect/test_connect_page.py",
    "log/contract/test_sqlite_log.py",
    "national/connector/test_bad_offers.py",
    "damage/test_running.py",
    "threats/test_logs.py",
    "threats/test_fair_shares.py",
    "national/connector/test_national_command.py",
    "conformance/test_one_verdict.py",
    "damage/test_index.py",
    "formats/test_format_memory.py",
    "pages/test_http.py",
    "damage/test_damage.py",
    "setup/test_container.py",
    "national/model/test_national_model.py",
    "pull/test_stopping.py",
    "interconnection/test_interconnection_matrix.py",
    "pages/test_roles.py",
    "national/connector/test_inbound.py",
    "pages/test_components.py",
    "conformance/script/test_batch.py",
    "transport/test_limit.py",
    "interconnection/test_interconnection_samples.py",
    "interconnection/test_interconnection_drain.py",
    "conformance/cli/test_cli.py",
    "api/write/test_upload.py",
    "api/read/test_receipts.py",
    "formats/test_format_reading.py",
    "cli/test_validate.py",
    "fuzz/test_targets.py",
    "interconnection/test_interconnection_bad_feeds.py",
    "demo/test_tether.py",
    "cli/test_widths.py",
    "formats/test_format_identities.py",
    "conformance/test_plugin.py",
    "relay/test_relay.py",
    "store/test_subscriber.py",
    "log/kafka/test_cut_off.py",
    "demo/test_generator.py",
    "schemas/test_suspicion.py",
    "schemas/test_check.py",
    "log/kafka/test_leaderless.py",
    "formats/test_inference.py",
    "national/connector/test_unknown_outcome.py",
    "interconnection/test_interconnection_takeover.py",
    "fuzz/test_displayed.py",
    "log/kafka/test_broker.py",
    "pull/test_pull.py",
    "threats/test_malformed.py",
    "cli/test_wrong_folder.py",
    "end_to_end/test_workers.py",
    "pages/systems/test_systems_page.py",
    "formats/test_format_garbled.py",
    "deploy/test_backup.py",
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
    "conformance/role/test_partners.py",
    "conformance/role/test_gateway_role.py",
    "pages/test_browser.py",
    "conformance/mutants/test_mutants.py",
    "conformance/test_independent.py",
    "conformance/mutants/test_programs.py",
    "conformance/role/test_root_cause.py",
    "conformance/role/test_national_role.py",
    "conformance/cli/test_certifiable.py",
    "conformance/test_same_on_mock.py",
    "conformance/cli/test_certify.py",
    "api/read/test_receipts.py",
    "cli/test_languages.py",
    "damage/test_index.py",
    "damage/test_running.py",
    "demo/test_tether.py",
    "docs/test_recipes.py",
    "end_to_end/test_killed_request.py",
    "interconnection/test_interconnection_drain.py",
    "interconnection/test_interconnection_matrix.py",
    "interconnection/test_interconnection_takeover.py",
    "log/contract/test_sqlite_log.py",
    "log/kafka/test_outage.py",
    "national/connector/test_bad_offers.py",
    "national/connector/test_inbound.py",
    "national/connector/test_unknown_outcome.py",
    "pull/test_stopping.py",
    "relay/test_relay.py",
    "transport/test_limit.py",
)
"""Files that use less than half a processor. Those of commands and gateways that are forks are not among them."""

_UNNAMED = ("pull/test_replicas.py",)
"""Files on the shared broker whose tests' ids do not say so."""
_BROKER = "the shared broker"
_COMPUTING = 2
"""Workers that take the units that wait last."""
_MIXED = 4
"""Fewer workers take all units alike."""


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file is one unit of work, so that what its module sets up is set up once."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        patient = self._is_patient(node)
        here = next((one for one in self.workqueue if waits(one) == patient), None)
        if here is None and patient:
            here = next(reversed(self.workqueue))  # a short one
        if here is not None:
            self.workqueue.move_to_end(here, last=False)
        super()._assign_work_unit(node)

    def _is_patient(self, node: WorkerController) -> bool:
        return is_patient(int(node.gateway.id.removeprefix("gw")), self.numnodes)


def is_patient(worker: int, workers: int) -> bool:
    """Whether a worker takes the units that wait first; the others take them last."""
    return workers >= _MIXED and worker >= _COMPUTING


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
