"""An act of an operator is one act, whatever the way in: over the API, on a page, by a command beside the gateway."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.api.decision import MAX_WAIT
from gateway.clock import now
from gateway.operate.certification import MAX_EVIDENCE_BYTES, USUAL_NONCE_DAYS
from gateway.operate.desk import MAX_CONFIRMED
from gateway.operate.moderation import DECISION_SECONDS
from gateway.partners.credential import MAX_OVERLAP_HOURS
from gateway.partners.session import MAX_NAME_CHARACTERS
from gateway.protocol.delivery_order import Replay
from gateway.protocol.journal import MAX_CHARACTERS
from gateway.protocol.paris_time import paris_date
from gateway.protocol.subscription import Subscription, read_platform
from gateway.protocol.topic import CONTACTS, OPERATORS, SUBSCRIPTIONS
from tests.federation.office import (
    ADDRESS,
    ASKING,
    HEADERS,
    JOINED,
    OFFER,
    OTHER,
    PUSH_URL,
    REASON,
    WAYS,
    WITHOUT_A_PAGE,
    Act,
    Office,
    Way,
    opened,
)
from tests.harness import RELAY, records_of
from tests.pages.feeds import FAILING
from tests.pages.national.seeded import ACCOUNT
from tests.pages.signing import OPERATOR

pytestmark = [pytest.mark.slow, pytest.mark.smoke]

MODERATE = Act(name="moderate", about=OFFER)
LIFT = replace(MODERATE, name="lift")
PAUSE = Act(name="pause", about=FAILING)
RESUME = replace(PAUSE, name="resume")
RUN = replace(PAUSE, name="run")
ROTATE = Act(name="rotate", about=OTHER, number=MAX_OVERLAP_HOURS)
REVOKE = Act(name="revoke", about=OTHER)
LINK = Act(name="link", about=OTHER)
SIGN_OUT = replace(LINK, name="sign-out")
NONCE = replace(LINK, name="nonce")
UNCERTIFY = replace(LINK, name="uncertify")
REPLAY = Act(name="replay", about=ACCOUNT)
ADOPT = Act(name="adopt", about=OTHER)
ERASE = Act(name="erase", about=OFFER)
ERASE_NAME = Act(name="erase-name", about="Personne d’essai")
CONTACT_ACTS = [Act(name=f"{name}-contact", about=OPERATOR.platform) for name in ("add", "stop", "erase")]
PUSH_ACTS = [Act(name=f"{name}-push", about=OPERATOR.platform, reason=None) for name in ("create", "replay", "delete")]
ACTIVATE = Act(name="activate", about="1.0", day="2099-09-01")
CANCEL = replace(ACTIVATE, name="cancel")
TOMORROW = (date.fromisoformat(paris_date(now())) + timedelta(days=1)).isoformat()
TRY = Act(name="try-request", about=ASKING, reason=None)
APPROVE = Act(name="approve-request", about=ASKING)
REFUSE = replace(APPROVE, name="refuse-request")
Effect = Mapping[str, Sequence[Any]]


def ways_of(act: Act) -> Mapping[str, Way]:
    """The ways in that have an act."""
    return {name: way for name, way in WAYS.items() if name != "page" or act.name not in WITHOUT_A_PAGE}


async def played(folder: Path, act: Act, *before: Act) -> tuple[Mapping[str, str], Sequence[Effect]]:
    """An act by each way in that has it, after others over the API, each time in another gateway: the answers, and what
    it did.
    """
    output: dict[str, str] = {}
    effects: list[Effect] = []
    for name, way in ways_of(act).items():
        async with opened(folder / name) as office:
            for one in before:
                assert (await office.api(one)).startswith("2")
                await office.desk.settled()
            started = await office.effect()
            output[name] = await way(office, act)
            await office.desk.settled()
            ended = await office.effect()
            effects.append({topic: ended[topic][len(started[topic]) :] for topic in ended})
    return output, effects


@pytest.mark.parametrize(
    ("act", "before"),
    [
        (MODERATE, ()),
        (LIFT, (MODERATE,)),
        (PAUSE, ()),
        (RESUME, (PAUSE,)),
        (RUN, ()),
        (replace(RUN, number=MAX_CONFIRMED), ()),
        (replace(MODERATE, reason="Écrire à personne@example.org,\n06 12 34 56 78"), ()),
        (replace(PAUSE, reason="x" * MAX_CHARACTERS), ()),
        (ROTATE, ()),
        (replace(ROTATE, number=0), (ROTATE,)),
        (REVOKE, ()),
        (replace(PAUSE, reason="deux\r\nlignes, l’une écrite en NFD : e\u0301"), ()),
        (LINK, ()),
        (SIGN_OUT, ()),
        (replace(NONCE, number=USUAL_NONCE_DAYS), ()),
        (REPLAY, ()),
        (ERASE, ()),
        (ACTIVATE, ()),
        (replace(ACTIVATE, day="2099-10-01"), (ACTIVATE,)),
        (CANCEL, (ACTIVATE,)),
        (TRY, ()),
        (APPROVE, ()),
        (REFUSE, ()),
    ],
    ids=lambda one: one.name if isinstance(one, Act) else None,
)
async def test_an_act_does_the_same_by_each_way_in(tmp_path: Path, act: Act, before: Sequence[Act]) -> None:
    """Entry, command, decision and order alike."""
    output, [first, *others] = await played(tmp_path, act, *before)
    assert 1 == len(first["journal"]), output
    assert [first] * (len(output) - 1) == others, output
    assert "Contact data" not in output["command"] or "@" in (act.reason or "")


@pytest.mark.parametrize(
    ("act", "before", "says"),
    [
        (MODERATE, (MODERATE,), ("409 already-moderated", "409 déjà retirée", "2 already moderated")),
        (LIFT, (), ("409 not-moderated", "409 n’est pas retirée", "2 not moderated")),
        (replace(MODERATE, about=f"{OTHER}:9"), (), ("404 offer-unknown", "404 ", "2 no such offer")),
        (RUN, (PAUSE,), ("409 feed-paused", "409 Reprenez-le d’abord", "2 en pause")),
        (PAUSE, (PAUSE,), ('200 "changed":false', "409 déjà suspendu", "0 is paused already")),
        (RESUME, (), ('200 "changed":false', "409 n’est pas suspendu", "0 is not paused")),
        (replace(PAUSE, about=OTHER), (), ("404 not-found", "404 ", "2 has no feed to pull")),
        (replace(RUN, about="personne"), (), ("404 not-found", "404 ", "2 personne")),
        (replace(MODERATE, reason="x" * (MAX_CHARACTERS + 1)), (), ("400 body-malformed", "422 ", "2 at most 1000")),
        (replace(PAUSE, reason="x" * (MAX_CHARACTERS + 1)), (), ("400 body-malformed", "422 ", "2 at most 1000")),
        (replace(RUN, number=MAX_CONFIRMED + 1), (), ("400 body-malformed", "400 ", "2 --confirm")),
        (replace(ROTATE, number=MAX_OVERLAP_HOURS + 1), (), ("400 body-malformed", "422 ", "2 --overlap")),
        (ROTATE, (REVOKE,), ("409 partner-revoked", "409 ", "2 was revoked")),
        (REVOKE, (REVOKE,), ("409 partner-revoked", "409 ", "2 was revoked")),
        (replace(REVOKE, about="personne"), (), ("404 not-found", "404 ", "2 is not a partner")),
        (replace(LINK, person=" "), (), ("422 partner-invalid", "422 ", "2 printable")),
        (replace(LINK, person="x" * (MAX_NAME_CHARACTERS + 1)), (), ("422 partner-invalid", "422 ", "2 printable")),
        (LINK, (REVOKE,), ("409 partner-revoked", "409 ", "2 was revoked")),
        (SIGN_OUT, (REVOKE,), ("409 partner-revoked", "409 ", "2 was revoked")),
        (NONCE, (REVOKE,), ("409 partner-revoked", "409 ", "2 was revoked")),
        (UNCERTIFY, (), ("404 not-found", "409 ", "2 has no certificate as publisher")),
        (replace(REPLAY, about="autre"), (), ("409 account-unknown", "422 ", "2 No known account")),
        (
            replace(ADOPT, about="Pas un slug"),
            (),
            ("400 body-malformed", "422 ", "2 Pas un slug is no slug of a platform"),
        ),
        (replace(ADOPT, number=MAX_CONFIRMED + 1), (), ("400 body-malformed", "422 ", "2 --confirm")),
        (replace(ERASE, about="sans-plateforme"), (), ("400 body-malformed", "2 no id of an offer")),
        (ACTIVATE, (ACTIVATE,), ('200 "changed":false', "303 ", "0 nothing was changed")),
        (CANCEL, (), ('200 "changed":false', "303 ", "0 nothing was changed")),
        (replace(ACTIVATE, about="9.9"), (), ("404 release-unknown", "404 9.9", "2 knows no release 9.9")),
        (replace(ACTIVATE, day=TOMORROW), (), ("422 release-early", "422 deux jours", "2 two days ahead")),
        (replace(ACTIVATE, day="bientôt"), (), ("400 body-malformed", "422 ", "2 is no day")),
        (ERASE_NAME, (), ('200 "erased":false', "2 has no name")),
        (REFUSE, (APPROVE,), ("409 request-answered", "409 a déjà sa réponse", "2 answered already")),
        (replace(REFUSE, reason=None), (), ("422 request-refused", "422 ", "2 needs a reason")),
        (replace(APPROVE, about="personne"), (), ("404 not-found", "404 ", "2 no such request")),
        (APPROVE, (APPROVE,), (f"200 {JOINED}", "303 ", f"0 {JOINED}")),
    ],
    ids=lambda one: one.name if isinstance(one, Act) else None,
)
async def test_an_act_is_refused_by_each_way_in_and_does_nothing(
    tmp_path: Path, act: Act, before: Sequence[Act], says: Sequence[str]
) -> None:
    """An act that changes nothing is none, either."""
    async with opened(tmp_path) as office:
        for one in before:
            await office.api(one)
            await office.desk.settled()
        started = await office.effect()
        for way, expected in zip(ways_of(act).values(), says, strict=True):
            answer = await way(office, act)
            status, _, text = expected.partition(" ")
            assert (status, True) == (answer.partition(" ")[0], text in answer), answer
            assert started == await office.effect(), answer


async def test_a_moderation_that_is_not_decided_in_time_is_queued_by_each_way_in(tmp_path: Path) -> None:
    """One wait: as long as a client may have the API wait."""
    assert MAX_WAIT == DECISION_SECONDS
    effects = []
    for name, way in WAYS.items():
        async with opened(tmp_path / name, seconds=1) as office:
            await office.desk.site.harness.stop(RELAY)
            started = await office.effect()
            answer = await way(office, MODERATE)
            assert {"api": "202", "page": "202", "command": "2"}[name] == answer.partition(" ")[0], answer
            ended = await office.effect()
            effects.append({topic: ended[topic][len(started[topic]) :] for topic in ended})
    assert [1, 1, 0] == [len(effects[0][topic]) for topic in ("journal", "submissions", "receipts")]
    assert [effects[0]] * 2 == effects[1:]


async def test_an_order_that_is_not_answered_in_time_stays_by_each_way_in(tmp_path: Path) -> None:
    effects = []
    for name, way in WAYS.items():
        async with opened(tmp_path / name, seconds=1, answers=False) as office:
            started = await office.effect()
            answer = await way(office, REPLAY)
            assert {"api": "202", "page": "303", "command": "2"}[name] == answer.partition(" ")[0], answer
            ended = await office.effect()
            effects.append({topic: ended[topic][len(started[topic]) :] for topic in ended})
    assert [1, [(ACCOUNT, Replay(), None)]] == [len(effects[0]["journal"]), effects[0]["national"]]
    assert [effects[0]] * 2 == effects[1:]


async def test_a_name_is_erased_by_each_way_in(tmp_path: Path) -> None:
    effects = []
    for way in (Office.api, Office.command):
        async with opened(tmp_path / way.__name__) as office:
            assert (await office.page(PAUSE)).startswith("303")
            await way(office, ERASE_NAME)
            names = [record.value for record in await records_of(office.desk.federation.log, OPERATORS)]
            effects.append(([entry.act for entry in await office.desk.entries()], names.count(None)))
    assert [(["feed.pause", "journal.erase-name"], 1)] * 2 == effects


async def test_a_contact_is_added_stopped_and_erased_by_each_way_in(tmp_path: Path) -> None:
    """On the page a person acts for its own platform, so that the operator's journal has no entry."""
    found = {}
    for name, way in WAYS.items():
        async with opened(tmp_path / name) as office:
            answers, log = [], office.desk.federation.log
            for act in CONTACT_ACTS:
                answers.append((await way(office, act)).partition(" ")[0])
                records = [orjson.loads(record.value or b"{}") for record in await records_of(log, CONTACTS)]
            kept = [(one.get("address"), one.get("name"), one.get("stopped"), "digest" in one) for one in records]
            found[name] = answers, kept, [(one.act, one.about, one.why) for one in await office.desk.entries()]
            assert ADDRESS not in str(await office.desk.entries())
    address = (ADDRESS, CONTACT_ACTS[0].person)
    expected = [(*address, None, False), (*address, "left", False), (None, None, None, True)]
    entries = [(f"contact.{name}", OPERATOR.platform, REASON) for name in ("add", "stop", "erase")]
    assert {
        "api": (["201", "200", "200"], expected, entries),
        "page": (["303"] * 3, expected, []),
        "command": (["0"] * 3, expected, entries),
    } == found


async def test_a_subscription_is_created_ordered_and_deleted_by_each_way_in(tmp_path: Path) -> None:
    """[PSH-001]: over the API and on the page a platform acts for itself, by the command the operator acts for it."""
    found = {}
    for name, way in WAYS.items():
        async with opened(tmp_path / name) as office:
            log, answers = office.desk.federation.log, [(await way(office, act)).partition(" ")[0] for act in PUSH_ACTS]
            kept = []
            for record in await records_of(log, SUBSCRIPTIONS):
                own = read_platform(record.key or b"", record.value or b"")
                kept.append((own.platform, [replace(one, id="", consent="", keys=()) for one in own.items]))
            found[name] = answers, kept, [(one.act, one.about, one.details) for one in await office.desk.entries()]
            refused = await way(office, PUSH_ACTS[2])
            assert {"api": "404", "page": "404", "command": "2"}[name] == refused.partition(" ")[0], refused
    one = Subscription(id="", name="copie", url=PUSH_URL, criteria={"region": ["53"]}, own_territory=False)
    expected = [(OPERATOR.platform, items) for items in ([one], [replace(one, replays=1)], [])]
    details = {"subscription": "copie", "url": PUSH_URL.partition("?")[0]}
    entries = [
        (f"push.{act}", OPERATOR.platform, details if act == "set" else {"subscription": "copie"})
        for act in ("set", "replay", "delete")
    ]
    assert {
        "api": (["201", "202", "200"], expected, entries),
        "page": (["200", "303", "303"], expected, entries),
        "command": (["0"] * 3, expected, entries),
    } == found


@pytest.mark.parametrize(
    ("act", "before", "statuses"),
    [
        (MODERATE, (), ("200", "422", "2")),
        (replace(MODERATE, reason=" \n"), (), ("200", "422", "2")),
        (LIFT, (MODERATE,), ("200", "422", "0")),
        (PAUSE, (), ("200", "422", "0")),
        (REVOKE, (), ("200", "422", "0")),
        (ROTATE, (), ("201", "200", "0")),
        (NONCE, (), ("201", "200", "0")),
        (SIGN_OUT, (), ("200", "303", "0")),
        (LINK, (), ("201", "200", "0")),
        (REPLAY, (), ("200", "200", "0")),
    ],
    ids=lambda one: one.name if isinstance(one, Act) else None,
)
async def test_a_person_says_why_where_a_platform_loses_something(
    tmp_path: Path, act: Act, before: Sequence[Act], statuses: Sequence[str]
) -> None:
    """Clients of the API and scripts may leave the reason out (docs/run.md); a blank one is none."""
    output, _ = await played(tmp_path, replace(act, reason=None if act.reason == REASON else act.reason), *before)
    assert tuple(statuses) == tuple(answer.partition(" ")[0] for answer in output.values()), output


async def test_evidence_is_as_large_by_the_api_as_by_the_command(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence.json"
    evidence.write_bytes(orjson.dumps({"x": "x" * MAX_EVIDENCE_BYTES}))
    async with opened(tmp_path) as office:
        ended = await asyncio.to_thread(office.run, "certificate", "sign", evidence, "--platform", OTHER)
        assert (2, True) == (ended.code, "larger than 4 MiB" in ended.errors), ended
        answer = await office.desk.site.client.post(
            f"/v1/partners/{OTHER}/certificates",
            data=BytesIO(b'{"evidence": %s}' % evidence.read_bytes()),
            headers={**HEADERS, "Content-Type": "application/json"},
        )
        assert 413 == answer.status, await answer.text()
