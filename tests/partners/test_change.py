"""A change of one partner keeps concurrent changes and members written by a later version."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.log.memory.store import Store
from gateway.log.reading import read_all
from gateway.partners import Partners
from gateway.partners.credential import mint_secret, revoke, rotate
from gateway.partners.partners import ChangeConflictError
from gateway.partners.record import changed_record, partner_document
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner, Secret
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, PARTNERS
from tests.memory_log import MemoryLog, WriteFault
from tests.protocol.certified import issued

NOW = 1_790_000_000_000
OLD = Secret(hash="sha256:" + "1" * 64, created_at=1)
BRETAGNE = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}), secrets=(OLD,))
HOME = partition_of("bretagne", 3)


@pytest.fixture
async def store() -> Store:
    store = Store()
    await MemoryLog(store=store).create_topics(COMMON)
    return store


async def stored(store: Store) -> list[dict[str, Any]]:
    found = []
    async with read_all(MemoryLog(store=store), PARTNERS, limit=1_000) as chunks:
        async for chunk in chunks:
            found += [orjson.loads(record.value or b"{}") for record in chunk.records]
    return found


def named(partner: Partner | None, name: str) -> Partner:
    assert partner is not None
    return replace(partner, name=name)


class Meddling(MemoryLog):
    """A log on which a version from before the fence appends a whole record, right before the next commit."""

    record: Record | None = None

    async def own(self, role: str, partition: int) -> Any:
        owner = await super().own(role, partition)
        log = self

        class Owner:
            async def commit(self, outputs: Any) -> Any:
                record, log.record = log.record, None
                if record is not None:
                    await log.append(PARTNERS, HOME, [record])
                return await owner.commit(outputs)

            async def end(self, topic: str, number: int) -> int:
                return await owner.end(topic, number)

            async def close(self) -> None:
                await owner.close()

        return Owner()


async def test_the_change_of_an_earlier_version_that_comes_between_is_kept(store: Store) -> None:
    log = Meddling(store=store)
    partners = Partners(log)
    await partners.save(BRETAGNE)
    log.record = changed_record(None, replace(BRETAGNE, territory=frozenset({"35"})))
    changed = await partners.change("bretagne", lambda partner: named(partner, "IDÉO"))
    assert replace(BRETAGNE, territory=frozenset({"35"}), name="IDÉO") == changed == partners.get("bretagne")
    await partners.close()


@pytest.mark.parametrize("fault", [WriteFault.UNANSWERED, WriteFault.LOST, WriteFault.LATE, WriteFault.REFUSED])
async def test_a_change_of_unknown_outcome_is_made_once(store: Store, fault: WriteFault) -> None:
    log = MemoryLog(store=store)
    partners = Partners(log)
    await partners.save(BRETAGNE)
    minted = mint_secret(now=NOW, entropy=lambda count: b"m" * count)
    log.inject(fault)

    def edit(partner: Partner | None) -> Partner:
        assert partner is not None
        return rotate(partner, minted.kept, now=NOW)

    changed = await partners.change("bretagne", edit)
    await log.deliver()
    await partners.catch_up()
    assert changed == partners.get("bretagne")
    assert [minted.kept.hash, OLD.hash] == [secret.hash for secret in changed.secrets]
    assert 2 == len(await stored(store))
    await partners.close()


async def test_many_handles_of_one_log_change_one_partner_at_the_same_time(store: Store) -> None:
    handles = [Partners(MemoryLog(store=store)) for _ in range(20)]
    await handles[0].save(BRETAGNE)

    async def change(number: int) -> bool:
        code = f"{number + 1:02}"

        def edit(partner: Partner | None) -> Partner:
            assert partner is not None
            return replace(partner, territory=partner.territory | {code})

        try:
            await handles[number].change("bretagne", edit)
        except ChangeConflictError:
            return False
        return True

    made = await asyncio.gather(*(change(number) for number in range(19)))
    await handles[0].catch_up()
    partner = handles[0].get("bretagne")
    assert partner is not None
    assert {f"{number + 1:02}" for number, done in enumerate(made) if done} == partner.territory
    assert sum(made) >= len(made) / 2
    for handle in handles:
        await handle.close()


async def test_a_change_that_is_fenced_again_and_again_is_a_conflict_and_writes_nothing(store: Store) -> None:
    class Contended(MemoryLog):
        async def own(self, role: str, partition: int) -> Any:
            owner = await super().own(role, partition)
            await super().own(role, partition)
            return owner

    partners = Partners(MemoryLog(store=store))
    await partners.save(BRETAGNE)
    contended = Partners(Contended(store=store), clock=lambda: NOW, retry_seconds=0.1)
    with pytest.raises(ChangeConflictError, match="bretagne"):
        await contended.change("bretagne", lambda partner: named(partner, "IDÉO"))
    assert 1 == len(await stored(store))
    await contended.close()
    await partners.close()


async def test_an_edit_that_changes_nothing_and_one_that_raises_write_nothing(store: Store) -> None:
    partners = Partners(MemoryLog(store=store))
    await partners.save(BRETAGNE)
    assert BRETAGNE == await partners.change("bretagne", lambda partner: named(partner, "Bretagne"))
    with pytest.raises(ZeroDivisionError):
        await partners.change("bretagne", lambda partner: named(partner, str(1 // 0)))
    assert 1 == len(await stored(store))
    await partners.close()


async def test_members_of_a_later_version_survive_every_change(store: Store) -> None:
    certified = replace(BRETAGNE, certificates=(issued(platform="bretagne"),))
    document = partner_document(certified)
    document |= {"quota": {"puts": 3}, "scopes": [*document["scopes"], "offers:dance"]}
    document["secrets"] = [{**document["secrets"][0], "label": "spring"}, {"kind": "mtls", "thumbprint": "ab"}]
    document["certificates"][0]["seen_by"] = "auditor"
    log = MemoryLog(store=store)
    await log.append(PARTNERS, HOME, [Record(b"bretagne", orjson.dumps(document))])
    partners = Partners(log)
    minted = mint_secret(now=NOW, entropy=lambda count: b"m" * count)
    edits = [
        lambda partner: named(partner, "IDÉO"),
        lambda partner: replace(partner, scopes=frozenset({"offers:publish"})),
        lambda partner: rotate(partner, minted.kept, now=NOW),
        lambda partner: replace(partner, national_delivery="self", hosts=("a.example",)),
    ]
    for edit in edits:
        await partners.change("bretagne", edit)
    last = (await stored(store))[-1]
    assert ("IDÉO", {"puts": 3}, ["offers:publish", "offers:dance"]) == (last["name"], last["quota"], last["scopes"])
    assert "auditor" == last["certificates"][0]["seen_by"]
    assert [minted.kept.hash, OLD.hash, None] == [secret.get("hash") for secret in last["secrets"]]
    assert ("spring", "ab") == (last["secrets"][1]["label"], last["secrets"][2]["thumbprint"])
    await partners.close()


async def test_no_credential_survives_a_revocation_and_none_comes_back(store: Store) -> None:
    document = partner_document(BRETAGNE) | {"colour": "green", "scopes": ["offers:read", "offers:dance"]}
    document["secrets"].append({"kind": "mtls", "thumbprint": "ab"})
    log = MemoryLog(store=store)
    await log.append(PARTNERS, HOME, [Record(b"bretagne", orjson.dumps(document))])
    partners = Partners(log)

    def end(partner: Partner | None) -> Partner:
        assert partner is not None
        return revoke(partner)

    await partners.change("bretagne", end)
    minted = mint_secret(now=NOW, entropy=lambda count: b"m" * count)
    await partners.save(replace(BRETAGNE, secrets=(minted.kept,)))
    _, ended, again = await stored(store)
    assert ([], True) == (ended["secrets"], ended["revoked"])
    assert [minted.kept.hash] == [secret.get("hash") for secret in again["secrets"]]
    assert (["offers:read"], "green") == (again["scopes"], again["colour"])
    assert 3 == len({None, ended["generation"]["id"], again["generation"]["id"]})
    await partners.close()
