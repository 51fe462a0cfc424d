"""Chromium: Debian's, or a program of that name in PATH."""

import shutil

NAME = "chromium"


def missing() -> str | None:
    """Why no browser can run; None if one can."""
    return None if shutil.which(NAME) else "Chromium is not installed (apt-get install chromium)."
