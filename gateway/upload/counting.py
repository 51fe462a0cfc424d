"""Counting by rule: how many items of an upload each rule refuses, and how many it warns of."""

from collections import Counter

from gateway.upload.judge import Judge
from gateway.upload.spool import Item


class CountingJudge:
    """A judge that also counts the items by code: ``refused`` for errors, ``warned`` for warnings."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.declared_count: int | None = None
        self.refused: Counter[str] = Counter()
        self.warned: Counter[str] = Counter()

    def judge(self, raw: bytes) -> Item | None:
        """What the judge says. Raises UploadRefusedError."""
        item = self._judge.judge(raw)
        self.declared_count = self._judge.declared_count
        if item is not None and item.problems:
            for severity, code in {(problem["severity"], problem["code"]) for problem in item.problems}:
                (self.refused if severity == "error" else self.warned)[code] += 1
        return item
