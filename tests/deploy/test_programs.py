"""What the tests of ``deploy/`` need is what CI installs, and without it they say so."""

import re

from tests.deploy.programs import NEEDED, ROOT, Needed


def test_ci_installs_every_package_that_these_tests_name() -> None:
    """Also the command sqlite3, by which the guide's lines back a log up."""
    installed = re.findall(r"command -v (\S+) >/dev/null \|\| missing\+=\(([^)]*)\)", (ROOT / ".ci/run").read_text())
    packages = {package for _, names in installed for package in names.split()}
    assert {package for one in NEEDED.values() for package in one.packages} | {"sqlite3"} <= packages
    for one in NEEDED.values():
        assert set(one.names) & {name for name, _ in installed}


def test_a_program_that_is_not_installed_is_named_with_its_package() -> None:
    assert (
        "no-such-program not installed (apt-get install some-package)."
        == Needed(("no-such-program", "sh"), ("some-package",)).missing()
    )
