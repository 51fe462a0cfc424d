"""The page of the installation documents every setting and every topic, with the defaults of the code."""

import re
from dataclasses import fields
from pathlib import Path

from gateway.protocol.topic import COMMON
from gateway.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs/install.md").read_text()


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^\| `(PASSERELLE_[A-Z_]+)` \|", PAGE, re.MULTILINE))
    assert documented == {f"PASSERELLE_{field.name.upper()}" for field in fields(Settings)}


def test_documented_defaults_are_the_real_ones() -> None:
    rows = dict(re.findall(r"^\| `(PASSERELLE_[A-Z_]+)` \| `([^`]+)` \|", PAGE, re.MULTILINE))
    defaults = {f"PASSERELLE_{field.name.upper()}": str(getattr(Settings(), field.name)) for field in fields(Settings)}
    assert rows == {name: defaults[name] for name in rows}


def test_every_topic_is_documented() -> None:
    documented = set(re.findall(r"^\| `([a-z]+)(?:\.\{platform\})?` \|", PAGE, re.MULTILINE))
    assert documented == {topic.name for topic in COMMON} | {"inbox", "feed"}
