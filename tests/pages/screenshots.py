"""``make screenshots``: the pictures of docs/images, taken in Chromium from a demo that runs for them.

Each picture is one PNG, named after its page. A picture above 200 kB fails.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.chromium import chromium, window
from tests.pages.png import with_palette
from tests.pages.site import registered_pages
from tests.pages.visit import states

PICTURES: Mapping[str, str] = {"home": "as it is", "check": "refused", "connect": "a choice waits"}
"""Page → its state, one of those in ``tests/pages/states``."""
FOLDER = Path(__file__).parents[2] / "docs/images"
FONT = "Liberation Sans"
"""Debian's ``fonts-liberation``: without it Chromium takes DejaVu, which is wider."""
OFFERS = 1_800
MAX_BYTES = 200_000
HEIGHT = 1_400
"""Most pixels of a picture's height."""
_URL = re.compile(r"keep running at (http://\S+?)/?$")


class ScreenshotError(Exception):
    """A picture could not be taken; the message says why."""


@contextmanager
def demo() -> Iterator[str]:
    """The URL of a demo whose offers are published; it is stopped at the end of the block."""
    command = [sys.executable, "-m", "demo", "--offers", str(OFFERS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise AssertionError("standard output is a pipe")
        try:
            for line in process.stdout:
                found = _URL.search(line.rstrip())
                if found is not None:
                    break
                sys.stdout.write(line)
            else:
                raise ScreenshotError("the demo ended before its pages could be taken")
            yield found[1]
        finally:
            process.terminate()
            process.communicate()


def take(url: str) -> list[tuple[Path, int]]:
    """Take every picture; returns files and sizes."""
    pictures = [state for state in states() if PICTURES.get(state.page) == state.name]
    with TemporaryDirectory() as folder:
        paths = {page.name: page.path("fr") for page in registered_pages(Path(folder))}
    found = []
    with chromium() as browser:
        for state in pictures:
            with window(browser) as (tab, _):
                tab.goto(url + paths[state.page])
                if state.reach is not None:
                    state.reach(tab, "fr")
                tab.evaluate("scrollTo(0, 0)")
                height = min(HEIGHT, tab.evaluate("document.documentElement.scrollHeight"))
                path = FOLDER / f"{state.page}.png"
                picture = tab.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": height})
                path.write_bytes(with_palette(picture))
                found.append((path, path.stat().st_size))
    return found


def main() -> None:
    """Take the pictures and report their sizes. Exits with 1 if one is too large, or cannot be taken."""
    font = subprocess.run(["fc-match", FONT], capture_output=True, text=True, check=True).stdout
    if FONT not in font:
        sys.exit(f"{FONT} is not installed (apt-get install fonts-liberation).")
    FOLDER.mkdir(exist_ok=True)
    try:
        with demo() as url:
            taken = take(url)
    except ScreenshotError as error:
        sys.exit(str(error))
    for path, size in taken:
        sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}: {size:,} bytes\n")
    if any(size > MAX_BYTES for _, size in taken):
        sys.exit(f"a picture has more than {MAX_BYTES:,} bytes")


if __name__ == "__main__":
    main()
