"""Plain ``assert`` in the contract classes explains itself, as it does in test modules."""

import pytest

for _module in ("log_ground", "log_appending", "log_reading", "log_owning", "log_keeping"):
    pytest.register_assert_rewrite(f"tests.contract.{_module}")
