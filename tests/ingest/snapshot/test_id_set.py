"""The set of ids of one upload: each once, numbered in the order added."""

from contextlib import closing

from gateway.runtime.id_set import IdSet


def test_an_id_is_in_the_set_once_with_the_number_of_its_first_addition() -> None:
    with closing(IdSet()) as ids:
        assert [True, True, False] == [ids.add("a:2"), ids.add("a:1"), ids.add("a:2")]
        assert [0, 1, None] == [ids.number("a:2"), ids.number("a:1"), ids.number("a:3")]
        assert 2 == len(ids)
        assert {"a:1", "a:2"} == set(ids)
        assert "a:1" in ids
        assert "a:3" not in ids


def test_it_holds_more_than_its_cache_does() -> None:
    with closing(IdSet()) as ids:
        added = [ids.add(f"a:{number % 40_000:09}") for number in range(50_000)]
        assert (40_000, 40_000) == (sum(added), len(ids))
        assert 39_999 == ids.number("a:000039999")
