"""The command as a whole: its help, its start time, and its exit codes for misuse."""

import re

import pytest

import schemas
from gateway.cli.app import COMMANDS
from tests.cli.conftest import Shell


async def test_help_lists_every_command_with_a_sentence(shell: Shell) -> None:
    ended = await shell("--help")
    listed = dict(re.findall(r"│ ([a-z]+) +(\S[^│]+?) *│", ended.output))
    assert ended.code == 0
    assert set(COMMANDS) == set(listed)


async def test_each_command_explains_itself(shell: Shell) -> None:
    for command in COMMANDS:
        ended = await shell(command, "--help")
        assert (0, True) == (ended.code, f"passerelle {command}" in ended.output), command


async def test_the_version_names_schema_and_rules(shell: Shell) -> None:
    ended = await shell("--version")
    assert ended.code == 0, ended.errors
    assert f"(schema {schemas.SCHEMA_VERSION}, rules {schemas.RULES_VERSION})" in ended.output


async def test_a_misspelt_command_is_answered_with_the_nearest_one(shell: Shell) -> None:
    ended = await shell("valdate", "offers.ndjson")
    assert ended.code == 2
    assert "Did you mean 'validate'?" in ended.errors


async def test_an_unknown_language_is_refused_with_the_known_ones(shell: Shell) -> None:
    for words in (["status"], ["platform", "list"]):
        ended = await shell(*words, "--lang", "de")
        assert 2 == ended.code
        assert "Invalid value for '--lang': 'de' is not one of 'fr', 'en'." in ended.errors


@pytest.mark.parametrize(
    ("typed", "word", "offered"),
    [("par", 1, ["partner"]), ("partner r", 2, ["rotate", "revoke"]), ("top", 1, ["topics"])],
)
async def test_the_shell_completes_commands(shell: Shell, typed: str, word: int, offered: list[str]) -> None:
    ended = await shell(_PASSERELLE_COMPLETE="complete_bash", COMP_WORDS=f"passerelle {typed}", COMP_CWORD=str(word))
    assert offered == ended.output.split()


async def test_a_wrong_setting_ends_every_operators_command_with_the_next_step(shell: Shell) -> None:
    for words in (["serve"], ["audit"], ["topics", "check"]):
        ended = await shell(*words, PASSERELLE_PROT="8080")
        assert ended.code == 2
        assert "PASSERELLE_PROT is not a setting" in ended.errors
        assert "Next step: " in ended.errors
