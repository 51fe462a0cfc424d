"""The one error of uploads: a whole upload is refused, and nothing of it was stored."""

from typing import Any


class UploadRefusedError(Exception):
    """Nothing was stored; ``code`` names a rule of the catalogue, ``values`` fill its message."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values
