"""The errors of uploads: a whole upload is refused and nothing of it was stored, or its queuing ends early."""

from typing import Any

from gateway.errors import LogError


class UploadRefusedError(Exception):
    """Nothing was stored; ``code`` names a rule of the catalogue, ``values`` fill its message."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class QueuingStoppedError(LogError):
    """The process stops; ``queued`` accepted items are on the log, the rest certainly is not."""

    def __init__(self, queued: int) -> None:
        super().__init__(queued)
        self.queued = queued
