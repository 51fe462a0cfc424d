"""Debian's programs that try the files of ``deploy/``, and how each is found."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


@dataclass(frozen=True)
class Needed:
    """Programs, and Debian's packages that have them; whether their tests need root."""

    names: tuple[str, ...]
    packages: tuple[str, ...]
    root: bool = False

    def missing(self) -> str | None:
        """Why the tests that start these programs cannot run; None if they can."""
        lacking = [name for name in self.names if shutil.which(name, path=_PATH) is None]
        if lacking:
            return f"{' and '.join(lacking)} not installed (apt-get install {' '.join(self.packages)})."
        return "only root may build an image." if self.root and os.geteuid() != 0 else None


_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
NEEDED: Mapping[str, Needed] = {
    "image": Needed(("buildah", "mmdebstrap"), ("buildah", "mmdebstrap"), root=True),
    "nginx": Needed(("nginx", "openssl"), ("nginx-light", "openssl")),
    "prometheus": Needed(("prometheus", "promtool"), ("prometheus",)),
    "systemd": Needed(("systemd-analyze",), ("systemd",)),
}
UNAVAILABLE: Mapping[str, Callable[[], str | None]] = {marker: one.missing for marker, one in NEEDED.items()}
"""Marker → why its tests cannot run; None if they can."""


def program(name: str) -> str:
    """The path of an installed program."""
    found = shutil.which(name, path=_PATH)
    assert found is not None
    return found
