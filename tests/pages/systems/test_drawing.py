"""The picture of the flow: bands as wide as their numbers, nothing lost at the gateway, room for every label."""

import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.systems.drawing import MAX_ENTRIES, NODE, WIDTH, Drawing, NodeShape, drawing, ribbon
from gateway.pages.systems.flow import Access, Flow, Subscriber, SystemFlow

NUMBERS = st.integers(0, 200_000)
LINES = {"site": 3, "topic": 2, "api": 1}
LINE = 17


def source(number: int, verdicts: Sequence[int]) -> SystemFlow:
    accepted, withdrawn, unchanged, stale, refused = verdicts
    return SystemFlow(
        platform=f"p{number}",
        name=f"P {number}",
        accepted=accepted,
        withdrawn=withdrawn,
        unchanged=unchanged,
        stale=stale,
        refused=refused,
    )


def subscriber(number: int, offered: int, access: Access = "api") -> Subscriber:
    return Subscriber(platform=f"s{number}", name=f"S {number}", access=access, offered=offered)


def flow_of(sources: Sequence[SystemFlow], subscribers: Sequence[Subscriber]) -> Flow:
    names = ("accepted", "withdrawn", "unchanged", "stale", "refused")
    total = SystemFlow(platform="", name="", **{name: sum(getattr(one, name) for one in sources) for name in names})
    return Flow(sources=sources, total=total, subscribers=subscribers)


FLOWS = st.builds(
    lambda sent, got: flow_of(
        [source(number, verdicts) for number, verdicts in enumerate(sent)],
        [
            subscriber(number, min(offered, sum(accepted for accepted, *_ in sent)), access)
            for number, (offered, access) in enumerate(got)
        ],
    ),
    st.lists(st.tuples(*[NUMBERS] * 5), min_size=1, max_size=20),
    st.lists(st.tuples(NUMBERS, st.sampled_from(["site", "topic", "api"])), max_size=20),
)


def drawn(flow: Flow) -> Drawing:
    found = drawing(flow)
    assert found is not None
    return found


@given(FLOWS)
def test_every_number_has_a_band_and_every_label_its_lines_within_the_picture(flow: Flow) -> None:
    found = drawing(flow)
    if not flow.total.received:
        assert found is None
        return
    assert found is not None
    columns: list[tuple[Sequence[NodeShape[object]], int | None]] = [
        (found.sources, 1),  # type: ignore[list-item]  # of any kind
        (found.subscribers, None),  # type: ignore[list-item]
        (found.stops, 2),  # type: ignore[list-item]
    ]
    for shapes, lines in columns:
        for one in shapes:
            assert (one.number > 0) == bool(one.ribbon) == (one.height > 0)
            assert 0 <= one.y <= one.y + one.height <= found.height + 2
            assert 0 <= one.x <= WIDTH - NODE
        for one, below in pairwise(shapes):
            count = lines or (LINES[one.one.access] if isinstance(one.one, Subscriber) else 1)
            assert below.line - one.line >= LINE * count - 0.2
            assert below.y >= one.y + one.height - 0.2
        for one in shapes[-1:]:
            count = lines or (LINES[one.one.access] if isinstance(one.one, Subscriber) else 1)
            assert one.line + LINE * (count - 1) <= found.height


@given(FLOWS)
def test_the_columns_have_the_numbers_of_the_flow(flow: Flow) -> None:
    found = drawing(flow)
    if found is None:
        return
    assert flow.total.received == found.judged == sum(one.number for one in found.sources)
    assert found.judged == found.relayed.number + sum(one.number for one in found.stops)
    assert sum(one.offered for one in flow.subscribers) == sum(one.number for one in found.subscribers)


def test_heights_are_to_scale_on_both_sides_of_the_gateway() -> None:
    found = drawn(flow_of([source(1, (30, 10, 20, 0, 0)), source(2, (10, 0, 0, 10, 20))], [subscriber(1, 50)]))
    assert [138.0, 92.0] == [one.height for one in found.sources]
    assert ([50, 46.0, 23.0, 46.0], 230.0) == (
        [found.relayed.number, *(one.height for one in found.stops)],
        found.gateway_height,
    )
    assert (115.0, 115.0) == (found.relayed.height, found.subscribers[0].height)
    assert ["unchanged", "stale", "refused"] == [one.one for one in found.stops]


def test_further_systems_share_one_label() -> None:
    many = [source(number, (100 - number, 0, 0, 0, 0)) for number in range(MAX_ENTRIES + 3)]
    found = drawn(flow_of(many, [subscriber(number, 5) for number in range(MAX_ENTRIES)]))
    last = found.sources[-1]
    assert (MAX_ENTRIES + 1, None, 3) == (len(found.sources), last.one, last.others)
    assert sum(100 - number for number in range(MAX_ENTRIES, MAX_ENTRIES + 3)) == last.number
    assert MAX_ENTRIES == len(found.subscribers)


def test_nothing_is_drawn_of_a_week_without_submissions() -> None:
    assert drawing(flow_of([source(1, (0, 0, 0, 0, 0))], [subscriber(1, 0)])) is None


def test_a_band_keeps_its_height_and_is_seen_however_narrow_it_is() -> None:
    assert "M10 20C55 20 55 80 100 80v12C55 92 55 32 10 32z" == ribbon(10, 20, 100, 80, 12)
    assert re.search(r"v1\.5C", ribbon(0, 0, 10, 10, 0.01))
