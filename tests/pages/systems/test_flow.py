"""The flow of the week in numbers, from the facts alone."""

from dataclasses import replace

from gateway.federation.systems import FlowFacts
from gateway.operate.health import HOUR_MS
from gateway.pages.systems.flow import Flow, Subscriber, flow
from gateway.pages.systems.model import Lag
from gateway.partners.onboarding import DEFAULT_SCOPES
from gateway.protocol.partner import Partner
from gateway.store.deliveries import DeliverySummary
from gateway.store.statistics import SubmissionCount
from tests.pages.systems.test_systems_model import FACTS, FOUND, NOW

READS = frozenset({"offers:read"})
BRETAGNE = Partner(
    platform="bretagne", name="Bretagne – IDÉO", scopes=DEFAULT_SCOPES, territory=frozenset({"35", "29"})
)
NORMANDIE = Partner(platform="normandie", name="Normandie", scopes=DEFAULT_SCOPES, national_delivery="self")
TOPIC = Partner(platform="essai", name="Essai d'usage", scopes=READS, feed=True)
OPERATOR = Partner(platform="exploitation", name="Exploitation", scopes=frozenset({"operate"}))
GONE = Partner(platform="grand-est", name="Grand Est – Expériences pro", scopes=DEFAULT_SCOPES, revoked=True)
COUNTS = [
    SubmissionCount(platform="bretagne", verdict="accepted", department="35", number=40),
    SubmissionCount(platform="bretagne", verdict="accepted", department="29", number=10),
    SubmissionCount(platform="bretagne", verdict="withdrawn", number=3),
    SubmissionCount(platform="bretagne", verdict="refused", number=2),
    SubmissionCount(platform="bretagne", verdict="rejected", department="35", number=5),
    SubmissionCount(platform="normandie", verdict="accepted", department="14", number=7),
    SubmissionCount(platform="normandie", verdict="accepted", department="35", number=1),
    SubmissionCount(platform="normandie", verdict="accepted", number=4),
    SubmissionCount(platform="normandie", verdict="duplicate", department="14", number=90),
    SubmissionCount(platform="grand-est", verdict="stale", department="67", number=6),
]
PARTNERS = {one.platform: one for one in (BRETAGNE, NORMANDIE, TOPIC, OPERATOR, GONE)}


def found(facts: FlowFacts | None = None, **more: object) -> Flow:
    of_partners = replace(FACTS, partners=PARTNERS, **more)  # type: ignore[arg-type]  # fields of Facts
    return flow(replace(FOUND, facts=of_partners, flow=facts or FlowFacts(counts=COUNTS)))


def subscribers(facts: FlowFacts | None = None, **more: object) -> dict[str, Subscriber]:
    return {one.platform: one for one in found(facts, **more).subscribers}


def test_what_each_system_sent_is_counted_by_what_came_of_it() -> None:
    sources = {one.platform: one for one in found().sources}
    one = sources["bretagne"]
    assert (60, 50, 3, 53) == (one.received, one.accepted, one.withdrawn, one.relayed)
    assert (0, 0, 7) == (one.unchanged, one.stale, one.refused)
    assert (102, 12, 90) == tuple(getattr(sources["normandie"], name) for name in ("received", "relayed", "unchanged"))
    assert (6, 6) == (sources["grand-est"].received, sources["grand-est"].stale)


def test_the_row_of_all_is_the_sum_of_the_sources() -> None:
    flowed = found()
    for name in ("received", "relayed", "accepted", "withdrawn", "unchanged", "stale", "refused"):
        assert getattr(flowed.total, name) == sum(getattr(one, name) for one in flowed.sources), name


def test_sources_are_the_ten_systems_and_all_others_that_publish_most_first() -> None:
    sources = found().sources
    assert ["normandie", "bretagne", "grand-est"] == [one.platform for one in sources[:3]]
    assert (10, {0}) == (len(sources), {one.received for one in sources[3:]})
    assert "exploitation" not in {one.platform for one in sources}
    assert ("Bretagne", "Grand Est", "") == tuple(
        next(one.name for one in sources if one.platform == slug) for slug in ("bretagne", "grand-est", "national")
    )


def test_a_subscriber_is_offered_what_others_published_in_its_departments() -> None:
    """Never its own; without departments, those of all."""
    got = subscribers()
    assert {"bretagne": 1, "normandie": 50, "essai": 62} == {slug: one.offered for slug, one in got.items()}
    assert ["Essai d’usage", "Normandie", "Bretagne"] == [one.name for one in found().subscribers]


def test_of_a_kafka_topic_the_changes_are_known_that_are_not_yet_written() -> None:
    one = subscribers(FlowFacts(counts=COUNTS, unwritten={"essai": 12}))["essai"]
    assert ("topic", 12, None, None) == (one.access, one.pending, one.delivered, one.lag)
    assert subscribers(FlowFacts(unwritten={"essai": None}))["essai"].pending is None


def test_of_a_subscriber_of_the_api_no_progress_is_known() -> None:
    one = subscribers()["bretagne"]
    assert ("api", None, None, None) == (one.access, one.delivered, one.pending, one.lag)


def test_of_the_national_site_deliveries_queue_and_longest_wait_are_known() -> None:
    """It is offered what the gateway delivers: Normandie delivers its own."""
    deliveries = {
        "bretagne": DeliverySummary(states={"pending": 3, "delivered": 70}, due_since=NOW - 2 * HOUR_MS),
        "grand-est": DeliverySummary(states={"pending": 1}, due_since=NOW - HOUR_MS),
    }
    facts = FlowFacts(counts=COUNTS, delivered={"bretagne": 45, "grand-est": 1})
    one = subscribers(facts, accounts={"shared": {}}, deliveries=deliveries)["national"]
    assert ("site", 50, 46, 4) == (one.access, one.offered, one.delivered, one.pending)
    assert Lag(days=0, hours=2, minutes=0) == one.lag


def test_a_national_site_that_reads_by_itself_is_a_subscriber_like_others() -> None:
    site = Partner(platform="national", name="1 élève 1 stage", scopes=READS)
    partners = {**PARTNERS, "national": site}
    one = {
        one.platform: one
        for one in flow(
            replace(FOUND, facts=replace(FACTS, partners=partners), flow=FlowFacts(counts=COUNTS))
        ).subscribers
    }["national"]
    assert ("api", 62) == (one.access, one.offered)
