"""Chromium: Debian's, or a program of that name in PATH; the one without windows, a fifth less work, where it is."""

import shutil

NAMES = ("chromium-headless-shell", "chromium")


def path() -> str | None:
    """The program that the tests start."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str | None:
    """Why no browser can run; None if one can."""
    return None if path() else "Chromium is not installed (apt-get install chromium)."
