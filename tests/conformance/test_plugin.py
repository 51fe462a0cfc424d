"""The pytest plugin: each case is a test, named in words, played against a real subscriber."""

import asyncio
import sys
from pathlib import Path

import pytest

from schemas.rulebook import Language
from tests.conformance.mutants.known_partners import PARTNERS
from tests.conformance.partner_fixtures import SECRET, Partner, Subscriber, interface, setup_for
from tests.conformance.wrong_partners import Broken, NeverReads, own

pytestmark = pytest.mark.slow


async def pytest_on(made: type[Partner], folder: Path, *arguments: str, language: Language = "fr") -> tuple[int, str]:
    setup = own(setup_for(made))
    partner = made(f"http://{setup.listen}")
    partner.slug = setup.accounts["subscriber"].platform
    async with interface(partner) as control:
        (folder / "conformance.toml").write_text(
            f'role = "subscriber"\n[partner]\nlisten = "{setup.listen}"\ncontrol = "{control}"\n'
            f'[accounts.subscriber]\nplatform = "{partner.slug}"\nsecret_env = "KIT"\n'
        )
        return await pytest_in(folder, language, *arguments)


async def pytest_in(folder: Path, language: str, *arguments: str) -> tuple[int, str]:
    command = ["-m", "pytest", "-p", "conformance.plugin", "-p", "no:cacheprovider", "conformance.toml", *arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=folder,
        env={"KIT": SECRET, "CONFORMANCE_LANG": language, "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 100)
    return process.returncode or 0, output.decode()


async def test_a_correct_subscriber_passes_under_pytest(tmp_path: Path) -> None:
    code, output = await pytest_on(Subscriber, tmp_path, "-k", "takes or resync")
    assert (0, True) == (code, "9 passed" in output), output


@pytest.mark.parametrize(("language", "expected"), [("fr", "l’abonné n’a pas"), ("en", "the subscriber does not have")])
async def test_a_wrong_subscriber_fails_with_the_kits_message(
    language: Language, expected: str, tmp_path: Path
) -> None:
    code, output = await pytest_on(
        PARTNERS["ignores-removals"].made, tmp_path, "-k", "takes-removals", language=language
    )
    assert 1 == code
    assert expected in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("language", "expected"),
    [("fr", "role vaut 'relay'. → donnez l’un de"), ("de", "donnez fr ou en / CONFORMANCE_LANG is")],
)
async def test_a_wrong_set_up_or_language_is_reported_without_a_traceback(
    language: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "conformance.toml").write_text('role = "relay"\n')
    code, output = await pytest_in(tmp_path, language)
    assert (2, True, False) == (code, expected in output, "raise " in output), output


async def test_a_set_up_that_hides_every_case_fails_one_test_and_skips_the_others(tmp_path: Path) -> None:
    code, output = await pytest_on(Broken, tmp_path, "-k", "takes", language="en")
    assert (1, True) == (code, "Your test interface fails at every POST /reset" in output), output
    assert "1 failed" in output
    assert "skipped" in output


async def test_a_cause_that_is_found_in_a_case_fails_one_test_and_skips_the_others(tmp_path: Path) -> None:
    code, output = await pytest_on(NeverReads, tmp_path, "-k", "takes", language="en")
    assert (1, True) == (code, "Your platform made no request to the kit" in output), output
    assert "skipped" in output
