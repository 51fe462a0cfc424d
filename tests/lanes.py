"""The quick lane: which tests ``pytest --quick`` leaves out, and why.

A quick test needs no broker, no other process and no waiting. Whole files are left out by the first table below and not
even imported; single tests by the second one and by the fixtures and markers that they use. A quick test that starts a
process fails.
"""

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]

FIXTURES = frozenset({"kafka_broker", "kafka_cluster", "kafka_servers", "shell"})
"""Fixtures that start a broker, or commands as processes."""

MARKERS = frozenset({"browser", "image", "kafka", "nginx", "node", "prometheus", "recipes", "samples", "systemd"})
"""Markers of what this checkout does not hold."""

LOOKUPS = frozenset({"ldconfig", "gcc", "cc", "ld", "objdump"})
"""What ``ctypes.util.find_library`` starts when a module that uses it is imported."""

PROCESSES = "starts processes"
WAITS = "waits for background tasks and timeouts of the code under test"
COMPUTES = "tries many examples, or large ones"
PAGES = "asks a whole gateway for many pages"

SLOW: dict[str, str] = {
    "api/read/test_changes.py": WAITS,
    "api/read/test_exports.py": COMPUTES,
    "api/read/test_receipts.py": WAITS,
    "api/write/test_batch.py": COMPUTES,
    "api/write/test_contract.py": COMPUTES,
    "api/write/test_ending.py": WAITS,
    "api/write/test_malformed_http.py": COMPUTES,
    "api/write/test_refusal_counts.py": WAITS,
    "api/write/test_results.py": WAITS,
    "api/write/test_upload.py": WAITS,
    "cli/test_client.py": WAITS,
    "clients": PROCESSES,
    "conformance/test_batch.py": COMPUTES,
    "conformance/test_certifiable.py": WAITS,
    "conformance/test_certify.py": WAITS,
    "conformance/test_cases.py": COMPUTES,
    "conformance/test_cli.py": COMPUTES,
    "conformance/test_gateway_role.py": PROCESSES,
    "conformance/test_honest.py": PROCESSES,
    "conformance/test_independent.py": PROCESSES,
    "conformance/test_mark.py": PROCESSES,
    "conformance/test_mutants.py": WAITS,
    "conformance/test_national_role.py": WAITS,
    "conformance/test_one_verdict.py": COMPUTES,
    "conformance/test_partners.py": WAITS,
    "conformance/test_patience.py": WAITS,
    "conformance/test_plugin.py": PROCESSES,
    "conformance/test_programs.py": PROCESSES,
    "conformance/test_root_cause.py": WAITS,
    "conformance/test_same_answers.py": COMPUTES,
    "conformance/test_serve.py": PROCESSES,
    "conformance/test_tables.py": WAITS,
    "conformance/test_tolerance.py": WAITS,
    "conformance/test_way_out.py": WAITS,
    "conformance/test_wheel.py": PROCESSES,
    "log/contract/test_kafka_log.py": PROCESSES,
    "log/contract/test_memory_log.py": WAITS,
    "log/contract/test_sqlite_log.py": WAITS,
    "log/contract/test_sqlite_process.py": PROCESSES,
    "log/contract/test_sqlite_writer.py": WAITS,
    "damage": PROCESSES,
    "demo": PROCESSES,
    "deploy": PROCESSES,
    "docs/test_collected.py": PROCESSES,
    "docs/test_examples.py": PROCESSES,
    "docs/test_recipes.py": PROCESSES,
    "end_to_end": PROCESSES,
    "faults": PROCESSES,
    "publish/test_feed_topic.py": WAITS,
    "formats/test_format_effect.py": COMPUTES,
    "formats/test_format_encoding.py": COMPUTES,
    "formats/test_format_garbled.py": COMPUTES,
    "formats/test_format_identities.py": COMPUTES,
    "formats/test_format_memory.py": COMPUTES,
    "formats/test_format_reading.py": COMPUTES,
    "formats/test_inference.py": COMPUTES,
    "formats/test_inference_feeds.py": COMPUTES,
    "fuzz": COMPUTES,
    "ingest/intake/test_refusals.py": COMPUTES,
    "ingest/upload/test_receive.py": COMPUTES,
    "interconnection": PROCESSES,
    "log/kafka/test_broker.py": PROCESSES,
    "model": COMPUTES,
    "national/connector": WAITS,
    "national/model": PROCESSES,
    "national/site/test_agreement_with_the_site.py": COMPUTES,
    "national/site/test_simulator_rules.py": COMPUTES,
    "national/site/test_national_simulator.py": PROCESSES,
    "partners/test_concurrent_changes.py": PROCESSES,
    "partners/test_record.py": COMPUTES,
    "pull": WAITS,
    "recordings": WAITS,
    "operate/test_round_trip.py": WAITS,
    "operate/test_transfer.py": COMPUTES,
    "pages/base/test_anonymous.py": PROCESSES,
    "pages/check/test_view.py": PAGES,
    "pages/connect/test_connect_page.py": COMPUTES,
    "pages/home/test_page.py": PAGES,
    "pages/journal/test_journal_pages.py": PAGES,
    "pages/moderation/test_moderation_page.py": PAGES,
    "pages/moderation/test_offer_search.py": PAGES,
    "pages/national/test_national_pages.py": WAITS,
    "pages/partner/test_partner_pages.py": PAGES,
    "pages/partners/test_partners_pages.py": PAGES,
    "pages/refusals/test_refusals_page.py": PAGES,
    "pages/session/test_session_pages.py": PAGES,
    "pages/systems/test_systems_page.py": PAGES,
    "pages/test_http.py": PAGES,
    "pages/test_roles.py": PAGES,
    "profile": COMPUTES,
    "relay/test_local_copy.py": PROCESSES,
    "relay/test_relay.py": WAITS,
    "relay/test_assignment.py": WAITS,
    "rolling": PROCESSES,
    "schemas/test_agreement.py": COMPUTES,
    "schemas/test_check.py": COMPUTES,
    "settings/test_refused_files.py": PROCESSES,
    "setup": PROCESSES,
    "ingest/snapshot/test_snapshot.py": WAITS,
    "runtime/test_sandbox.py": PROCESSES,
    "runtime/test_yielding.py": PROCESSES,
    "threats/test_anonymous_floods.py": PROCESSES,
    "threats/test_anonymous_requests.py": PROCESSES,
    "threats/test_descriptors.py": WAITS,
    "threats/test_fair_shares.py": WAITS,
    "threats/test_library_logs.py": WAITS,
    "threats/test_logs.py": PROCESSES,
    "threats/test_malformed.py": COMPUTES,
    "threats/test_odd_bytes.py": COMPUTES,
    "threats/test_threat_lines.py": COMPUTES,
    "threats/test_visitors.py": PROCESSES,
    "threats/test_worker_secrets.py": PROCESSES,
    "transport/test_limit.py": PROCESSES,
    "transport/test_sftp.py": COMPUTES,
    "transport/test_tls.py": PROCESSES,
    "ingest/upload/test_inflating.py": COMPUTES,
    "store/test_duplicate_index.py": COMPUTES,
    "store/test_follower.py": WAITS,
    "store/test_subscriber.py": COMPUTES,
    "store/test_view_updater.py": WAITS,
    "store/test_search.py": COMPUTES,
}
"""Folder or file below ``tests`` → reason."""

LONG = frozenset(
    {
        "api/write/test_app.py::test_requests_without_a_partner_are_charged_to_their_address",
        "api/write/test_idempotency.py::test_a_long_answer_comes_whole_both_times",
        "api/write/test_idempotency.py::test_a_snapshot_with_a_long_answer_is_no_stale_one_when_it_is_sent_again",
        "cli/test_reference.py::test_every_sector_is_listed_by_code_and_name",
        "conformance/test_standin.py::test_the_canonical_form_is_that_of_rfc_8785",
        "formats/test_format_csv.py::test_any_cells_come_back",
        "formats/test_format_json.py::test_any_list_of_objects_is_cut_into_its_objects",
        "national/site/test_malformed_items.py::test_an_item_with_any_values_is_read_or_skipped",
        "protocol/test_decide.py::test_resending_the_last_accepted_publication_changes_nothing",
        "schemas/test_suspicion.py::test_a_text_without_suspicion_holds_nothing",
        "schemas/test_suspicion.py::test_the_suspicion_filter_is_never_wrong_on_the_corpus",
    }
)
"""Single tests that compute for more than a second, in files of quick ones."""


MIXED = frozenset(
    {
        "api/write/test_app.py",
        "api/write/test_idempotency.py",
        "cli/test_app.py",
        "cli/test_certificate.py",
        "cli/test_doctor.py",
        "cli/test_languages.py",
        "cli/test_partner_tokens.py",
        "cli/test_platform_check.py",
        "cli/test_platform_draft.py",
        "cli/test_publish.py",
        "cli/test_reference.py",
        "cli/test_tally.py",
        "cli/test_transfer.py",
        "cli/test_validate.py",
        "cli/test_widths.py",
        "cli/test_wrong_folder.py",
        "conformance/test_report_page.py",
        "conformance/test_standin.py",
        "formats/test_format_csv.py",
        "formats/test_format_json.py",
        "formats/test_format_samples.py",
        "log/kafka/test_connection.py",
        "log/kafka/test_cut_off.py",
        "log/kafka/test_fetcher.py",
        "log/kafka/test_leader_epochs.py",
        "log/kafka/test_leaderless.py",
        "log/kafka/test_membership.py",
        "log/kafka/test_outage.py",
        "log/kafka/test_owner.py",
        "log/kafka/test_reader.py",
        "log/kafka/test_security.py",
        "log/kafka/test_topics.py",
        "national/site/test_malformed_items.py",
        "national/site/test_national_answer.py",
        "national/site/test_national_reading.py",
        "national/site/test_national_recorded.py",
        "operate/test_status_command.py",
        "pages/map/test_outlines.py",
        "pages/test_browser.py",
        "pages/test_components.py",
        "partners/test_command.py",
        "partners/test_link_command.py",
        "partners/test_sign_in_replicas.py",
        "protocol/test_decide.py",
        "schemas/test_personal.py",
        "schemas/test_samples.py",
        "schemas/test_suspicion.py",
    }
)
"""Files of quick tests that hold slow ones too: by LONG, or by the fixtures and markers above. ``--slow`` imports no
other file of quick tests.
"""


class StartedProcessError(RuntimeError):
    """A test of the quick lane started a process."""


@cache
def reason(path: Path) -> str | None:
    """Why a folder or file is left out of the quick lane; None if it is not."""
    if not path.is_relative_to(ROOT / "tests"):
        return None
    inside = PurePosixPath(path.relative_to(ROOT / "tests").as_posix())
    return next((SLOW[str(one)] for one in (inside, *inside.parents) if str(one) in SLOW), None)


def is_left_to_quick(path: Path) -> bool:
    """Whether all tests of a file belong to the quick lane. Of folders: no."""
    inside = path.is_relative_to(ROOT / "tests") and path.suffix == ".py" and path.name.startswith("test_")
    return inside and reason(path) is None and _name(path) not in MIXED


def refuse_unknown_mixed(slow: Iterable[pytest.Item]) -> None:
    """Refuse slow tests that ``--slow`` would not find. Raises pytest.UsageError."""
    unknown = sorted({_name(item.path) for item in slow if is_left_to_quick(item.path)})
    if unknown:
        raise pytest.UsageError(f"Slow tests in files of quick ones: name them in tests/lanes.py, MIXED: {unknown}")


def _name(path: Path) -> str:
    return path.relative_to(ROOT / "tests").as_posix()


def is_quick(item: pytest.Item) -> bool:
    """Whether a test belongs to the quick lane."""
    fixtures: Iterable[str] = getattr(item, "fixturenames", ())
    return (
        reason(item.path) is None
        and FIXTURES.isdisjoint(fixtures)
        and MARKERS.isdisjoint(mark.name for mark in item.iter_markers())
        and item.nodeid.partition("[")[0].removeprefix("tests/") not in LONG
    )


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
