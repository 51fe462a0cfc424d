"""Peak memory of ``passerelle platform check`` on feeds of two sizes.

Each feed is written to disk item by item and checked by the command in a process of its own, which reports its largest
resident size (VmHWM of Linux) when it ends. Items are sound offers of about 2 kB; one in twenty has a wrong sector.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.row import Row
from demo.region_site.feed import example_profile, write_feed

FORMS = ("csv", "json", "xml")
_MEGABYTES = 300
_MORE = 0.2
_MEGABYTE = 1_000_000
_KIBIBYTE = 1024
_COMMAND = """
import atexit, pathlib, sys
own = pathlib.Path("/proc/self/status")
left = pathlib.Path(sys.argv.pop())
atexit.register(lambda: left.write_text(own.read_text()))
from gateway.cli.app import main
main()
"""
"""The command, which writes its own process status at exit. The peak that wait4 reports would include the parent's
memory: the child shares it until ``exec``.
"""
_ON = "2026-11-30"
_FEED = {"kind": "https", "url": "https://feeds.example.org/stages"}
_TEXT = "Observer la fabrication d'un meuble, du dessin à la pose, avec l'équipe de l'atelier. " * 16
_HERE = "<<offer>>"


@dataclass(frozen=True)
class Checked:
    """Figures of one run of the command: peak memory in bytes, items, seconds."""

    peak: int
    items: int
    seconds: float


async def measure(million: int) -> AsyncIterator[Row]:
    """One row a format: peak memory at a tenth of a size and at that size, 300 MB for a million offers."""
    megabytes = max(10, million * _MEGABYTES // 1_000_000)
    small = megabytes // 10
    for form in FORMS:
        first, second = [await asyncio.to_thread(_check, form, size) for size in (small, megabytes)]
        more = second.peak / first.peak - 1
        yield Row(
            f"memory of platform check, {small} → {megabytes} MB of {form}",
            f"{first.peak / 1e6:.0f} → {second.peak / 1e6:.0f} MB",
            f"{more:+.0%}",
            f"≤ +{_MORE:.0%}",
            more <= _MORE,
            f"{second.items:,} items in {second.seconds:.0f} s",
        )


def _check(form: str, megabytes: int) -> Checked:
    """Check a feed of ``megabytes`` in a process of its own. Raises ValueError if the command counts other items."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile, sample, report = folder / "profile.json", folder / "sample", folder / "report.json"
        status = folder / "status"
        profile.write_text(json.dumps(example_profile("bretagne", form, _FEED)))
        written = 0
        with sample.open("wb") as file:
            for piece in _pieces(form, megabytes * _MEGABYTE):
                file.write(piece)
                written += piece.count(b"/offres/")
        command = [sys.executable, "-c", _COMMAND, "platform", "check", str(profile), str(sample), "--on", _ON]
        began = time.perf_counter()
        with report.open("wb") as out:
            subprocess.run([*command, "--json", str(status)], stdout=out, check=False)
        seconds = time.perf_counter() - began
        counts = json.loads(report.read_bytes())["counts"]
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    if not counts["items"] == counts["published"] + counts["refused"] == written:
        raise ValueError(f"{counts} of {written} items")
    return Checked(int(peak.split()[1]) * _KIBIBYTE, counts["items"], seconds)


def _pieces(form: str, size: int) -> Iterator[bytes]:
    """A feed of about ``size`` bytes, item by item."""
    sample = write_feed(form, [_offer(_HERE)])
    begin, item, end = _cut(form, sample)
    yield begin
    left, number = size, 0
    while left > 0:
        piece = item.replace(_HERE.encode(), str(number).encode())
        if number % 20 == 0:
            piece = piece.replace(b"s5", b"s99", 1)
        yield (b"," if form == "json" and number else b"") + piece
        left -= len(piece)
        number += 1
    yield end


def _cut(form: str, sample: bytes) -> tuple[bytes, bytes, bytes]:
    """The bytes before the single item of a feed, the item, and the bytes after it."""
    if form == "csv":
        head, _, row = sample.partition(b"\r\n")
        return head + b"\r\n", row, b""
    opening, closing = (b"[", b"]}") if form == "json" else (b"<offre ", b"</offres>")
    at = sample.index(opening) + (1 if form == "json" else 0)
    return sample[:at], sample[at : -len(closing)], closing


def _offer(number: str) -> dict[str, object]:
    return {
        "id": f"bretagne:{number}",
        "title": "Découverte d'un atelier de menuiserie",
        "description": _TEXT.strip(),
        "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
        "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s5",
        "seats": 2,
        "apply_url": f"https://stages.ideo.bretagne.bzh/offres/{number}",
    }
