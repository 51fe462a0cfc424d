"""External requirements of tests: a real Apache Kafka, Node.js, the recorded partner data in PASSERELLE_TEST_SAMPLES,
the interpreters of the recipes, Chromium, and the programs that try the files of ``deploy/``.

Where it is missing, the tests that need it are skipped with one loud line; with ``CI=true`` they fail instead.
``--quick`` runs the quick tests, ``--smoke`` these and one of each slow kind, ``--alone`` those that compare durations,
``--rest`` all others (tests/lanes.py);
``-n 3`` spreads the files over workers (tests/spread.py).
"""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks
from xdist.workermanage import WorkerController

from demo.broker import Listener, LocalBroker
from demo.jars import missing
from gateway.runtime.loop import bound_collections
from tests import lanes, loops, spread
from tests.browser import program
from tests.clients import openapi_generator, tools
from tests.clients.python import postgres
from tests.deploy import programs
from tests.docs import recipe
from tests.log.kafka.cluster import LocalCluster
from tests.log.kafka.local import need_local_kafka

ROOT = Path(__file__).parents[1]
SAMPLES = Path(os.environ.get("PASSERELLE_TEST_SAMPLES") or ROOT.parent / "shared" / "samples")
KAFKA = "KAFKA_BOOTSTRAP_SERVERS"
EAGER_CLEANER = {"log.cleaner.backoff.ms": "1500"}
LACKING: pytest.StashKey[dict[str, str]] = pytest.StashKey()
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 6 << 30
GUARD = lanes.QuickGuard()
_COLLECTED_AT = 50_000
"""New objects until the next garbage collection, while the tests are imported and collected."""

# Of the contract of logs: assertions are rewritten as in test modules, whichever test imports them first.
for _module in ("log_fixture", "log_appending", "log_reading", "log_owning", "log_keeping"):
    pytest.register_assert_rewrite(f"tests.log.contract.{_module}")
pytest.register_assert_rewrite("tests.clients.python.follow_contract")

hypothesis.settings.register_profile(
    "tests", hypothesis.settings.default, deadline=None
)  # a busy machine is no fault of the code under test
hypothesis.settings.load_profile("tests")


def kafka_unavailable() -> str | None:
    return None if KAFKA in os.environ else missing()


def samples_unavailable() -> str | None:
    return None if SAMPLES.is_dir() else f"{SAMPLES} is no folder: set PASSERELLE_TEST_SAMPLES."


UNAVAILABLE: Mapping[str, Callable[[], str | None]] = {
    "kafka": kafka_unavailable,
    "samples": samples_unavailable,
    "recipes": recipe.unavailable,
    "node": tools.missing,
    "generator": openapi_generator.generator_missing,
    "go": openapi_generator.go_missing,
    "guzzle": openapi_generator.guzzle_missing,
    "postgresql": postgres.missing,
    "browser": program.missing,
    **programs.UNAVAILABLE,
}
"""Marker → why its tests cannot run; None if they can."""


def use_memory() -> None:
    """Keep the files of tests in memory where that is large: a gateway syncs its log to the disk, and half of the time
    of the tests would be spent on that. ``TMPDIR`` has precedence.
    """
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        folder = MEMORY / f"passerelle-tests-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None  # read again


def pytest_configure() -> None:
    """A shell without job control ignores SIGINT in its background jobs (``make test &``), and so would each process
    that a test starts: a signal that this process handles has its default action there.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(_COLLECTED_AT)
    loops.close_what_comes_too_late()
    use_memory()


def pytest_addoption(parser: pytest.Parser) -> None:
    for run, text in (
        ("quick", "only tests without a broker, other processes or waiting"),
        ("smoke", "these, and the slow ones that prove each kind once"),
        ("alone", "only the tests that compare how long something takes"),
        ("rest", "only the tests that the others leave out"),
    ):
        parser.addoption(f"--{run}", action="store_const", const=run, dest="run", help=text)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file of other lanes is not even imported: half of the quick lane's time would go into that."""
    run = config.getoption("run")
    is_test = collection_path.is_relative_to(ROOT / "tests") and collection_path.match("test_*.py")
    return True if run and is_test and lanes.RUNS[run].isdisjoint(lanes.lanes_of(collection_path)) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    run = config.getoption("run")
    if run:
        chosen = {item for item in items if lanes.lane(item) in lanes.RUNS[run] or not lanes.agrees_with_source(item)}
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = [item for item in items if item in chosen]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (spread.rank(item.nodeid), lanes.lane(item) is lanes.Lane.QUICK))
    lacking = config.stash.setdefault(LACKING, {})
    marked = {mark.name for item in items for mark in item.iter_markers()}
    for marker, unavailable in UNAVAILABLE.items():
        if marker in marked:
            reason = unavailable()
            if reason is not None:
                lacking[marker] = reason


def pytest_collection_finish() -> None:
    """As a gateway after its start: what is imported and collected by now is in no later garbage collection."""
    bound_collections()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not lanes.agrees_with_source(item):
        pytest.fail(
            f"Its source does not show that it is in the lane {lanes.lane(item)} (tests/lanes.py)", pytrace=False
        )
    for marker, reason in item.config.stash.get(LACKING, {}).items():
        if item.get_closest_marker(marker) is None:
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason} With CI=true the {marker} tests must run.", pytrace=False)
        pytest.skip(f"{marker}: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with GUARD.around(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    with GUARD.clocked():
        return (yield)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> spread.FileByFile:
    return spread.FileByFile(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send a worker's missing requirements to the process that prints the summary."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["lacking"] = session.config.stash.get(LACKING, {})


def pytest_testnodedown(node: WorkerController) -> None:
    """Collect a worker's missing requirements."""
    lacking = getattr(node, "workeroutput", {}).get("lacking", {})
    node.config.stash.setdefault(LACKING, {}).update(lacking)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for marker, reason in config.stash.get(LACKING, {}).items():
        line = f"!!! THE {marker.upper()} TESTS DID NOT RUN: {reason} !!!"
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[LocalBroker]:
    """A local broker for the whole session; for tests that only write and read. Mark them ``kafka``.

    Its listener ``VIA`` is for clients behind a proxy that the test starts; compaction looks for work all the time.
    """
    need_local_kafka()
    with LocalBroker(listeners=[Listener("VIA", proxied=True)], properties=EAGER_CLEANER) as broker:
        yield broker


@pytest.fixture
def kafka_cluster() -> Iterator[LocalCluster]:
    """Three brokers of a test's own, to be killed and cut off. Mark it ``kafka``."""
    need_local_kafka()
    with LocalCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kafka_servers(request: pytest.FixtureRequest) -> str:
    """Bootstrap servers: the running cluster that KAFKA_BOOTSTRAP_SERVERS names, or the local broker's."""
    servers = os.environ.get(KAFKA)
    if servers is None:
        broker: LocalBroker = request.getfixturevalue("kafka_broker")
        servers = broker.bootstrap_servers
    return servers


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of recorded partner data. Mark tests that use it ``samples``."""
    return SAMPLES


@pytest.fixture(autouse=True)
def own_log_settings() -> Iterator[None]:
    """A gateway that a test starts configures logging for the whole process, a command what it prints at a retry; each
    test begins with the defaults, but for tracebacks, which are as plain as Python's: coloured source code takes a
    tenth of a second each.
    """
    retries = get_on_retry_hooks()
    structlog.reset_defaults()
    *processors, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, plain])
    yield
    structlog.reset_defaults()
    set_on_retry_hooks(retries)
