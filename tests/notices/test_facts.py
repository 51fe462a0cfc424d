"""From a fact in the federation's views to a mail: the right number, and nothing of an offer in it."""

from dataclasses import replace
from pathlib import Path

import pytest

import schemas
from gateway.notices.events import BUCKET_MS
from gateway.notices.plan import next_digest
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import Act, Actor
from gateway.protocol.paris_time import paris_date
from gateway.protocol.push import PushProgress, PushStop
from gateway.protocol.push_record import progress_record
from gateway.protocol.record import OfferState, offer_record
from gateway.protocol.refused_offers import OfferCell
from gateway.protocol.statistics import BROKEN, Cell, CountRecord, count_record
from gateway.protocol.subscription import PlatformSubscriptions, Subscription, platform_record
from gateway.protocol.topic import JOURNAL, OFFERS, STATISTICS, SUBSCRIPTIONS
from tests.notices.gateway import opened
from tests.pages.signing import PERSON, SIGNED
from tests.protocol.certified import issued
from tests.protocol.example import OFFER, TERRITORY, known

CANARY = "CANARY-employer-Bretagne"


async def test_moderations_are_one_mail_with_their_number_and_nothing_of_an_offer(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        federation = gateway.harness.federation
        gateway.clock.move(BUCKET_MS / 1_000)
        for number in range(12):
            act = Act(act="offer.moderate", about=f"{SIGNED.platform}:{CANARY}-{number}", why=CANARY)
            await federation.acts.write(act, Actor(name=CANARY))
        await federation.acts.write(Act(act="offer.moderate", about="bretagne:1"), Actor(name=CANARY))
        await federation.wait_until_displayed(JOURNAL)
        sent = len(gateway.box.taken)
        await gateway.mails()
        assert sent == len(gateway.box.taken), "the quarter of an hour is not over"
        for _ in range(3):
            gateway.clock.move(BUCKET_MS / 1_000)
            await gateway.mails()
        [mail] = gateway.box.taken[sent:]
        assert "12 offres d’Occitanie retirées par l’exploitant" == mail["Subject"]
        assert CANARY not in f"{mail}{mail.get_content()}"
        assert "link=" not in mail.get_content()
        assert mail.get_content().startswith(f"Bonjour {PERSON},")


async def test_an_offer_that_is_refused_again_and_again_is_one_refused_offer(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        federation, day = gateway.harness.federation, paris_date(gateway.clock())
        own = OfferCell(day, SIGNED.platform, "refused", BROKEN)
        for number, offers in ((1, 9), (2, 12)):
            counts = {Cell(day, SIGNED.platform, "refused", BROKEN, ""): 500}
            names = {own: {f"{one}".rjust(8).encode() for one in range(offers)}}
            record = count_record(CountRecord("writer", number, counts, (), names))
            await federation.log.append(STATISTICS, 0, [record])
            await federation.wait_until_displayed(STATISTICS)
            gateway.clock.move(61)
            await gateway.mails()
        gateway.clock.move((next_digest(gateway.clock()) - gateway.clock()) / 1_000)
        await gateway.mails()
        assert "12 offres d’Occitanie refusées, plus que d’habitude" == gateway.box.taken[-1]["Subject"]


@pytest.mark.parametrize(("left", "expected"), [(61, 0), (60, 1)])
async def test_live_offers_that_a_rule_will_refuse_are_in_the_digest_within_sixty_days(
    tmp_path: Path, left: int, expected: int
) -> None:
    day = schemas.catalogue()["text-invisible"].error_from
    assert day is not None
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        federation = gateway.harness.federation
        for number in (1, 2):
            offer_id = f"{SIGNED.platform}:{number}"
            state = OfferState(offer_id, known(), OFFER, TERRITORY, schemas.RELEASE, ("text-invisible",))
            partition = partition_of(offer_id, federation.log.partitions)
            await federation.log.append(OFFERS, partition, [offer_record(state)])
        await federation.wait_until_displayed(OFFERS)
        gateway.clock.move(((day - gateway.clock.today).days - left) * 86_400)
        await gateway.mails()
        gateway.clock.move((next_digest(gateway.clock()) - gateway.clock()) / 1_000)
        sent = len(gateway.box.taken)
        await gateway.mails()
        subjects = [one["Subject"] for one in gateway.box.taken[sent:]]
        said = "2 offres en ligne d’Occitanie seront refusées par une règle plus stricte dans moins de 60 jours"
        assert [said] * expected == [one for one in subjects if one == said]


async def test_a_subscription_to_pushes_that_was_given_up_is_a_mail_each_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        federation, sent = gateway.harness.federation, len(gateway.box.taken)
        partner = federation.partners.get(SIGNED.platform)
        assert partner is not None
        one = Subscription(id="s1", name="site", url="https://a.example/push", confirmed=True)
        end = PushProgress(subscription="s1", scope="", generation=1, positions=(), began=(), floor=(), fresh=1)
        steps: list[tuple[int, PushStop | None]] = [(0, "gone"), (1, None), (1, "gone")]
        for enables, stopped in steps:
            own = PlatformSubscriptions(
                platform=SIGNED.platform, joined_at=partner.joined_at, items=(replace(one, enables=enables),)
            )
            progress = replace(end, enables=enables, stopped=stopped)
            records = [platform_record(own), progress_record(SIGNED.platform, "site", progress)]
            partition = partition_of(SIGNED.platform, federation.log.partitions)
            await federation.log.append(SUBSCRIPTIONS, partition, records)
            for _ in range(3):
                gateway.clock.move(3_600)
                await gateway.mails()
        subjects = [mail["Subject"] for mail in gateway.box.taken[sent:]]
        assert ["1 abonnement aux envois d’Occitanie est arrêté"] * 2 == [one for one in subjects if "envois" in one]


async def test_a_certificate_that_ends_is_in_the_digest_of_the_morning(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        end = gateway.clock() + 7 * 24 * 3_600_000
        certificate = issued()
        ending = replace(certificate, certificate=replace(certificate.certificate, expires_at=end))
        await gateway.harness.federation.partners.save(replace(SIGNED, certificates=(ending,)))
        sent = len(gateway.box.taken)
        gateway.clock.move(61)
        await gateway.mails()
        assert sent == len(gateway.box.taken)
        gateway.clock.move((next_digest(gateway.clock()) - gateway.clock()) / 1_000)
        await gateway.mails()
        [mail] = gateway.box.taken[sent:]
        assert "1 certificat ou clé d’Occitanie prend fin dans moins de 30 jours" == mail["Subject"]
