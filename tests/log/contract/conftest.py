"""Rewrite assertions of the contract classes, as pytest does for test modules."""

import pytest

for _module in ("log_fixture", "log_appending", "log_reading", "log_owning", "log_keeping"):
    pytest.register_assert_rewrite(f"tests.log.contract.{_module}")
