"""``passerelle validate``: the verdicts of ``schemas.check``, offline, as text and as JSON."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

import schemas
from demo.generator import GeneratedOffer, generate
from schemas.rulebook import Language
from tests.cli.conftest import Shell

ON = date(2026, 11, 25)


@pytest.fixture
def offers() -> list[GeneratedOffer]:
    return list(generate(4, "bretagne", 60, ON, wrong=0.3))


def write(path: Path, offers: Iterable[GeneratedOffer]) -> Path:
    path.write_bytes(b"".join(offer.raw + b"\n" for offer in offers))
    return path


@pytest.mark.parametrize("command", ["validate", "mock"])
async def test_a_release_that_this_version_does_not_know_is_refused(shell: Shell, command: str) -> None:
    """It would judge otherwise than a gateway with that release."""
    file = [write(shell.folder / "none.ndjson", [])] if command == "validate" else []
    ended = await shell(command, *file, "--activated", "9.9=2027-09-01", "--lang", "en")
    assert (2, True) == (ended.code, "'9.9'" in ended.errors)
    assert schemas.SCHEMA_VERSION in ended.errors


async def test_a_good_file_ends_with_0(shell: Shell, offers: list[GeneratedOffer]) -> None:
    file = write(shell.folder / "good.ndjson", [offer for offer in offers if offer.accepted])
    ended = await shell("validate", file, "--on", ON)
    assert ended.code == 0, ended.output
    assert "0 refusé(s)" in ended.output


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_refusals_are_in_the_language_asked_for(
    shell: Shell, offers: list[GeneratedOffer], language: Language
) -> None:
    """With line, pointer, message and remedy; the exit code is 1."""
    wrong = next(offer for offer in offers if not offer.accepted)
    problem = schemas.localized(schemas.check(wrong.raw, on=ON).problems[0].to_json(), language)
    file = write(shell.folder / "bad.ndjson", [wrong])
    ended = await shell("validate", file, "--lang", language, "--on", ON)
    output = "".join(ended.output.split())
    assert ended.code == 1
    for part in (wrong.id, problem["pointer"], problem["code"], problem["message"], problem["fix"]):
        assert "".join(part[:20].split()) in output


async def test_json_gives_one_line_per_document_with_the_same_verdicts_as_check(
    shell: Shell, offers: list[GeneratedOffer]
) -> None:
    file = write(shell.folder / "mixed.ndjson", offers)
    ended = await shell("validate", file, "--json", "--lang", "en", "--on", ON)
    verdicts = [json.loads(line) for line in ended.output.splitlines()]
    assert ended.code == 1
    assert [(offer.id, offer.accepted) for offer in offers] == [
        (one["id"], one["verdict"] != "refused") for one in verdicts
    ]
    for offer, one in zip(offers, verdicts, strict=True):
        problems = schemas.check(offer.raw, on=ON).problems
        assert [schemas.localized(problem.to_json(), "en") for problem in problems] == one["problems"]


async def test_the_verdict_depends_on_the_day(shell: Shell, offers: list[GeneratedOffer]) -> None:
    """A valid offer of today has expired in two years."""
    file = write(shell.folder / "good.ndjson", [offer for offer in offers if offer.accepted][:1])
    assert (await shell("validate", file, "--on", ON)).code == 0
    later = await shell("validate", file, "--on", "2028-11-25")
    assert (later.code, "expired" in later.output) == (1, True)
    assert (await shell("validate", file, "--on", "25/11/2026")).code == 2


async def test_withdrawals_and_a_count_are_understood(shell: Shell) -> None:
    content = b'{"id":"bretagne:1","revision":2,"withdrawn":"filled"}\n{"count": 1}\n'
    ended = await shell("validate", "-", "--lang", "en", give=content)
    assert (0, "1 document(s): 1 accepted, 0 accepted with warnings, 0 refused\n") == (ended.code, ended.output)


async def test_a_file_that_cannot_be_read_ends_with_2_and_a_next_step(shell: Shell) -> None:
    ended = await shell("validate", "none.ndjson", "--lang", "en")
    assert ended.code == 2
    assert "Next step: check the file's name" in ended.errors


async def test_an_empty_file_does_not_pass(shell: Shell) -> None:
    assert (await shell("validate", "-")).code == 2
