"""Changes of the real schemas are judged as brute force judges them, by the engine of the verdict."""

import pytest

from schemas.evolution.subset import KEYWORDS
from tests.schemas.evolution.brute import contradictions
from tests.schemas.evolution.mutation import corpus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CORPUS = corpus()


def test_the_corpus_has_each_keyword_changed_each_way() -> None:
    kinds = {keyword: {one.kind for one in CORPUS if one.keyword == keyword} for keyword in KEYWORDS}
    assert (True, set()) == (len(CORPUS) >= 400, {keyword for keyword, found in kinds.items() if len(found) < 2})


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_a_change_is_judged_as_brute_force_judges_it(keyword: str) -> None:
    assert [] == [error for one in CORPUS if one.keyword == keyword for error in contradictions(one)]
