"""Offers searched: what a search finds is what a comparison of every offer finds, after any changes."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from gateway.protocol.identity import platform_of
from gateway.protocol.public_offer import is_open
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import Filter
from gateway.store import OfferView
from gateway.store.log_offset import log_offset_of
from gateway.store.offer_search import ORDERS, STATES, OfferSearch, plain
from tests.store.offer_topic import OfferTopic, offer_of

AGREE = frozenset({"bretagne", "normandie"})
TITLES = ("Conseillère de vente", "Menuiserie à Brest", "L’hôtellerie", "Accueil du public")
CITIES = ("Brest", "Saint-Brieuc", "Saint Brieuc", "Évreux", "L'Haÿ-les-Roses")
WISHES: tuple[dict[str, Any], ...] = (
    {},
    {"redistribution": {"mask_employer": True}},
    {"redistribution": {"national": False}},
    {"restrictions": {"rep": True}},
)


async def test_a_search_finds_what_a_comparison_finds(
    offer_topic: OfferTopic, offers: OfferView, followed: OfferView
) -> None:
    chance = Random(7)
    ids = [f"{slug}:{number}" for slug in ("bretagne", "normandie", "occitanie") for number in range(40)]
    for _ in range(12):
        for offer_id in chance.sample(ids, 25):
            if chance.random() < 0.3:
                offer_topic.withdraw(offer_id, chance.choice(("filled", "moderated", "expired")))
            else:
                offer_topic.publish(random_offer(chance, offer_id), department=chance.choice(("35", "22", "75")))
        await offers.apply(offer_topic.chunks())
        for _ in range(6):
            search = random_search(chance)
            expected = compared(offer_topic, search)
            for view in (offers, followed):
                assert await view.reached(offers.positions, 10)
                found = await view.search(search)
                assert len(expected) == found.total
                assert expected[search.skipped :][: search.limit] == [state.id for state in found.states]
                assert sum(found.counts["department"].values()) == (0 if search.state else found.total)


async def test_words_are_compared_without_accents_hyphens_and_capitals(
    offer_topic: OfferTopic, offers: OfferView
) -> None:
    offer_topic.publish(offer_of("bretagne:1", title="Conseillère de vente", location={"city": "Brest"}))
    offer_topic.publish(offer_of("bretagne:2", title="Atelier Lætitia", location={"city": "Saint-Brieuc"}))
    await offers.apply(offer_topic.chunks())
    for typed, expected in {
        "conseillère brest": ["bretagne:1"],
        "BREST conseillere": ["bretagne:1"],
        "Saint Brieuc": ["bretagne:2"],
        "laetitia": ["bretagne:2"],
        "LÆTITIA": ["bretagne:2"],
        "saint-brieuc": ["bretagne:2"],
        "le goff": ["bretagne:1", "bretagne:2"],
        "siret 73282932000074": [],
        "rue du port": [],
    }.items():
        search = OfferSearch(criteria=Filter(platform=AGREE), words=plain(typed).split())
        assert expected == sorted(state.id for state in (await offers.search(search)).states), typed


async def test_the_own_part_of_an_id_is_one_of_the_words_and_markup_of_json_is_none(
    offer_topic: OfferTopic, offers: OfferView
) -> None:
    named = {"title": 'Au "Café" du \\ port', "extensions": {"bretagne": {"title": "Le faux", "city": "Ys"}}}
    offer_topic.publish(offer_of("bretagne:2026-000049", **named))
    await offers.apply(offer_topic.chunks())
    for typed, number in {"2026-000049": 1, "000049 cafe": 1, '"cafe"': 1, "du \\ PORT": 1, "le faux": 0}.items():
        search = OfferSearch(criteria=Filter(platform=AGREE), words=plain(typed).split(), hidden=True)
        assert number == (await offers.search(search)).total, typed


async def test_more_texts_than_one_slice_are_read(offer_topic: OfferTopic, offers: OfferView) -> None:
    for number in range(1_203):
        offer_topic.publish(offer_of(f"bretagne:{number}"))
    await offers.apply(offer_topic.chunks())
    found = await offers.search(OfferSearch(criteria=Filter(platform=AGREE), skipped=1_200))
    assert (1_203, ["bretagne:2", "bretagne:1", "bretagne:0"]) == (found.total, [state.id for state in found.states])


def random_offer(chance: Random, offer_id: str) -> dict[str, Any]:
    return offer_of(
        offer_id,
        title=chance.choice(TITLES),
        location={"city": chance.choice(CITIES)},
        sector=chance.choice(("s5", "s12")),
        **chance.choice(WISHES),
    )


def random_search(chance: Random) -> OfferSearch:
    return OfferSearch(
        criteria=Filter(
            platform=chance.choice((AGREE, frozenset({"bretagne"}))),
            department=chance.choice((frozenset(), frozenset({"35"}))),
            sector=chance.choice((frozenset(), frozenset({"s5"}))),
        ),
        words=plain(chance.choice(("", "brest", "saint brieuc", "menuiserie brest", "hotellerie", "nothing"))).split(),
        order=chance.choice(ORDERS),
        skipped=chance.choice((0, 3)),
        limit=chance.choice((1, 5, 50)),
        hidden=chance.random() < 0.5,
        state=chance.choice(("", "", *STATES)),
    )


def compared(topic: OfferTopic, search: OfferSearch) -> list[str]:
    """The ids that the search has to find, in its order."""
    found = []
    for state in topic.states.values():
        offer = state.offer
        if platform_of(state.id) not in search.criteria.platform:
            continue
        if offer is None or search.state:
            of_state = state.known.reason in STATES.get(search.state, ()) and not search.criteria.department
            if of_state and not search.criteria.sector and all(word in state.id[9:] for word in search.words):
                found.append(state)
            continue
        text = plain(f"{offer['title']} {offer['employer']['name']} {offer['location']['city']} {state.id[9:]}")
        if (
            (search.hidden or is_open(offer, state.known.provenance))
            and search.criteria.matches(offer=offer, territory=state.territory or {}, platform=platform_of(state.id))
            and all(word in text for word in search.words)
        ):
            found.append(state)
    offsets = {
        record.key: log_offset_of(partition, record.offset)
        for partition, lane in enumerate(topic.lanes)
        for record in lane
    }
    found.sort(key=lambda state: offsets[state.id.encode()])  # of equal ones, the order on the log
    fields: Mapping[str, Callable[[OfferState], int | str]] = {
        "newest": lambda state: -state.known.appended_at,
        "title": lambda state: plain(state.offer["title"] if state.offer else state.id[9:]),
        "city": lambda state: plain(state.offer["location"]["city"] if state.offer else ""),
    }
    found.sort(key=fields[search.order])
    return [state.id for state in found]
