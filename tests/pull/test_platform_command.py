"""``passerelle platform`` as an operator uses it: a sample checked offline, a platform added, listed, and run."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner, Result

from adapters.profile.profile import profiles
from demo.region_site.feed import example_profile, write_feed
from gateway.cli.console import CommandError
from gateway.cli.platform import app
from gateway.log.port import EventLog
from gateway.log.sqlite import SqliteLog
from gateway.partners import Partners
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import Counts, Failure, RunOrder, SourceRun, order_record, read_run, run_record
from gateway.protocol.topic import RUNS
from tests.pull.pull_harness import offer

pytestmark = pytest.mark.slow

Answer = TypeVar("Answer")
FEED = {"kind": "https", "url": "https://feeds.example.org/stages"}


class Shell:
    """Runs the command with one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._runner = CliRunner(env={"PASSERELLE_DATA": str(self.data), "PASSERELLE_KAFKA": None, "COLUMNS": "200"})

    def __call__(self, *words: str, ends: int = 0) -> str:
        result = self._run(*words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert ends == result.exit_code, result.stdout
        return result.stdout

    def json(self, *words: str, ends: int = 0) -> Any:
        return json.loads(self(*words, "--json", ends=ends))

    def error(self, *words: str) -> CommandError:
        error = self._run(*words).exception
        assert isinstance(error, CommandError), error
        return error

    def _run(self, *words: str) -> Result:
        return self._runner.invoke(app, list(words))

    def profile(self, form: str = "csv", **more: Any) -> str:
        path = self.folder / "profile.json"
        path.write_text(json.dumps({**example_profile("bretagne", form, FEED), **more}))
        return str(path)

    def sample(self, content: bytes) -> str:
        path = self.folder / "sample"
        path.write_bytes(content)
        return str(path)

    def partner(self) -> Partner:
        async def ask(log: EventLog) -> Partner:
            partners = Partners(log)
            await partners.catch_up()
            await partners.close()
            found = partners.get("bretagne")
            assert found is not None
            return found

        return self.on_log(ask)

    def on_log(self, ask: Callable[[EventLog], Awaitable[Answer]]) -> Answer:
        async def opened() -> Answer:
            log = await SqliteLog.open(self.data / "log.sqlite", partitions=3)
            try:
                return await ask(log)
            finally:
                await log.close()

        return asyncio.run(opened())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.parametrize("form", ["csv", "json", "xml", "jobposting", "cleverconnect"])
def test_a_good_sample_is_counted_and_ends_well(shell: Shell, form: str) -> None:
    sample = shell.sample(write_feed(form, [offer(1), offer(2)]))
    report = shell.json("check", shell.profile(form), sample, "--on", "2026-11-30")
    assert (True, 2, 0, []) == (
        report["usable"],
        report["counts"]["published"],
        report["counts"]["refused"],
        [one for one in report["problems"] if one["severity"] == "error"],
    )


def test_a_sample_with_bad_items_names_them_in_french_and_ends_with_1(shell: Shell) -> None:
    sample = shell.sample(write_feed("csv", [offer(1), offer(2, sector="s99"), offer(3, description="a@b.example")]))
    report = shell("check", shell.profile(), sample, "--on", "2026-11-30", ends=1)
    assert "bretagne:2" in report
    assert "/sector" in report
    assert "1 refusé(s)" in report
    assert "1 avec avertissement" in report
    assert "1 refused" in shell("check", shell.profile(), sample, "--on", "2026-11-30", "--lang", "en", ends=1)


def test_a_sample_that_is_cut_ends_with_2_and_says_that_nothing_would_change(shell: Shell) -> None:
    feed = write_feed("xml", [offer(1), offer(2)])
    report = shell("check", shell.profile("xml"), shell.sample(feed[: len(feed) // 2]), ends=2)
    assert "ne changerait rien" in report
    assert "feed-cut" in report


def test_a_missing_sample_is_reported(shell: Shell) -> None:
    error = shell.error("check", shell.profile(), str(shell.folder / "nowhere"), "--lang", "en")
    assert "nowhere does not exist" in str(error)


def test_a_platform_that_publishes_by_itself_has_no_feed_to_check(shell: Shell) -> None:
    error = shell.error("check", "bretagne", shell.sample(b""), "--lang", "en")
    assert "native protocol" in str(error)
    assert "validate" in error.step


def test_a_profile_with_mistakes_is_refused_with_all_of_them(shell: Shell) -> None:
    error = shell.error("add", shell.profile(nmae="x", region="99"))
    assert "/nmae" in str(error)
    assert "/region" in str(error)


def test_a_mapping_with_mistakes_is_refused_with_their_pointers(shell: Shell) -> None:
    profile = shell.profile(mapping={"id": {"path": "reference"}, "fields": {"titel": {"path": "titre"}}})
    assert "/mapping/fields/titel" in str(shell.error("add", profile))


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_a_file_that_is_no_profile_is_reported(shell: Shell, text: str) -> None:
    path = shell.folder / "profile.json"
    path.write_text(text)
    assert "profile" in str(shell.error("add", str(path))) + shell.error("add", str(path)).step


def test_a_platform_is_added_with_its_secret_and_its_profile(shell: Shell) -> None:
    report = shell.json("add", shell.profile())
    assert (True, "bretagne") == (report["created"], report["client_id"])
    partner = shell.partner()
    assert {"offers:read"} == partner.scopes
    assert partner.profile is not None
    assert FEED == partner.profile["transport"]
    assert 1 == len(partner.secrets)


def test_adding_again_changes_the_profile_and_shows_no_secret(shell: Shell) -> None:
    shell("add", "bretagne")
    before = shell.partner()
    report = shell("add", shell.profile())
    assert "client_secret" not in report
    after = shell.partner()
    assert before.secrets == after.secrets
    assert after.profile is not None
    assert "csv" == after.profile["format"]


def test_fields_that_a_changed_profile_does_not_change_are_reported_with_the_next_step(shell: Shell) -> None:
    shell("add", "bretagne")
    profile = shell.profile(national_delivery="gateway", region="28")
    report = shell("add", profile)
    assert "national_delivery stays self, the profile's gateway is not taken." in report
    assert "passerelle partner set bretagne --national-delivery gateway" in report
    assert "The territory stays 22 29 35 56, that of the profile's region (14 27 50 61 76) is not taken." in report
    assert ["national_delivery", "region"] == shell.json("add", profile)["kept"]


def test_assumptions_of_a_profile_are_displayed_when_it_is_added(shell: Shell) -> None:
    report = shell("add", "auvergne-rhone-alpes")
    assert "assumed (address of the feed)" in report


def test_the_list_shows_channels_last_runs_and_missing_platforms(shell: Shell) -> None:
    shell("add", shell.profile())
    run = SourceRun(
        platform="bretagne", started_at=1, ended_at=2, outcome="applied", counts=Counts(items=7, published=7)
    )

    async def write(log: EventLog) -> None:
        await log.append(RUNS, partition_of("bretagne", 3), [run_record(run)])

    shell.on_log(write)
    report = shell.json("list")
    [row] = report["platforms"]
    assert ("bretagne", "https", "csv", 7) == (
        row["platform"],
        row["transport"],
        row["format"],
        row["run"]["counts"]["items"],
    )
    assert sorted(set(profiles()) - {"bretagne"}) == report["waiting"]
    assert "7 publié" in shell("list") or "7 à publier" in shell("list")
    assert "bretagne : appliqué. 7 élément(s)" in shell("list")
    assert "bretagne: applied. 7 item(s)" in shell("list", "--lang", "en")


def test_the_list_gives_the_reason_of_a_failed_run_and_omits_partners_that_are_no_platform(shell: Shell) -> None:
    """An operator's client, which neither publishes nor reads offers, is no platform."""
    shell("add", shell.profile())
    failure = Failure(at=2, code="feed-unreachable", fr="Le serveur ne répond pas.", en="The server does not answer.")
    run = SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="failed", last_error=failure)

    async def write(log: EventLog) -> None:
        partners = Partners(log)
        await partners.save(Partner(platform="ops", name="Ops", scopes=frozenset({"operate"})))
        await partners.close()
        await log.append(RUNS, partition_of("bretagne", 3), [run_record(run)])

    shell.on_log(write)
    assert ["bretagne"] == [row["platform"] for row in shell.json("list")["platforms"]]
    for language, reason in (("fr", failure.fr), ("en", failure.en)):
        listed = shell("list", "--lang", language)
        assert (True, True, False) == (reason in listed, "passerelle platform run bretagne" in listed, "ops" in listed)


@contextmanager
def answering(shell: Shell, outcome: SourceRun, *, newer: str | None = None) -> Iterator[list[RunOrder]]:
    """A process that answers the first order on the log as a gateway would; or a ``newer`` one in its place."""
    orders: list[RunOrder] = []
    stop = threading.Event()

    async def answer() -> None:
        log = await SqliteLog.open(shell.data / "log.sqlite", partitions=3)
        home = partition_of("bretagne", 3)
        try:
            async with log.reader({(RUNS, home): 0}) as reader:
                while not stop.is_set() and not orders:
                    for chunk in await reader.poll(limit=10, wait=0.1):
                        found = [read_run(record.key, record.value) for record in chunk.records]
                        orders.extend(one for one in found if isinstance(one, RunOrder))
            for order in orders:
                last = order if newer is None else replace(order, id=newer)
                answered = SourceRun(
                    **{name: getattr(outcome, name) for name in SourceRun.__slots__} | {"order": last.id}
                )
                await log.append(RUNS, home, [order_record(last), run_record(answered)])
        finally:
            await log.close()

    thread = threading.Thread(target=lambda: asyncio.run(answer()))
    thread.start()
    try:
        yield orders
    finally:
        stop.set()
        thread.join()


def test_a_run_is_ordered_and_its_outcome_displayed(shell: Shell) -> None:
    shell("add", shell.profile())
    outcome = SourceRun(
        platform="bretagne", started_at=1, ended_at=2, outcome="applied", counts=Counts(items=3, published=3)
    )
    with answering(shell, outcome) as orders:
        report = shell("run", "bretagne", "--confirm", "12")
    assert "bretagne : appliqué. 3 élément(s)" in report
    assert [12] == [order.confirm for order in orders]


def test_a_run_without_result_gives_the_reason_and_ends_with_1(shell: Shell) -> None:
    shell("add", shell.profile())
    failure = Failure(at=2, code="feed-cut", fr="Le flux s’est interrompu.", en="The feed broke off.")
    outcome = SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="failed", last_error=failure)
    with answering(shell, outcome):
        assert "Le flux s’est interrompu." in shell("run", "bretagne", ends=1)


def test_without_a_gateway_the_next_step_is_displayed(shell: Shell) -> None:
    shell("add", shell.profile())
    error = shell.error("run", "bretagne", "--wait", "1", "--lang", "en")
    assert "No gateway ran bretagne" in str(error)
    assert "passerelle serve" in error.step


def test_an_order_that_another_one_replaced_is_reported_as_replaced(shell: Shell) -> None:
    shell("add", shell.profile())
    outcome = SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="applied")
    with answering(shell, outcome, newer="other"):
        error = shell.error("run", "bretagne", "--lang", "en")
    assert "has replaced this one" in str(error)
    assert "order it again" in error.step


def test_only_a_platform_with_a_feed_can_be_run(shell: Shell) -> None:
    shell("add", "bretagne")
    assert "has no feed" in str(shell.error("run", "bretagne", "--lang", "en"))
    assert "has no feed" in str(shell.error("run", "nobody", "--lang", "en"))


HTTP = {"kind": "https", "url": "http://feeds.example.org/stages"}


@pytest.mark.parametrize("url", ["http://feeds.example.org/stages", "http://127.0.0.1:9/feed", "HTTP://a.example/x"])
def test_http_is_refused_on_check_as_on_add(shell: Shell, url: str) -> None:
    profile, sample = shell.profile(transport={**FEED, "url": url}), shell.sample(b"")
    errors = [shell.error("check", profile, sample), shell.error("add", profile)]
    for error in errors:
        assert "/transport/url" in str(error)
        assert "https://" in str(error)
    assert not shell.data.exists() or [] == list(shell.data.glob("log.sqlite"))


def test_loopback_feeds_allow_http_to_this_machine_and_to_no_other(shell: Shell) -> None:
    environ = {"PASSERELLE_LOOPBACK_FEEDS": "1"}
    sample = shell.sample(write_feed("csv", [offer(1)]))
    for url, refused in (("http://127.0.0.1:9/feed", False), ("http://localhost:9/feed", False), (HTTP["url"], True)):
        profile = shell.profile(transport={**FEED, "url": url})
        ended = CliRunner(env=environ).invoke(app, ["check", profile, sample, "--on", "2026-11-30"])
        assert refused == isinstance(ended.exception, CommandError), url


def test_a_name_or_password_within_the_address_is_refused(shell: Shell) -> None:
    profile = shell.profile(transport={**FEED, "url": "https://me:secret@feeds.example.org/stages"})
    assert "/transport/url" in str(shell.error("check", profile, shell.sample(b"")))
