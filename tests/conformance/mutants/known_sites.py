"""Every wrong national site: importing this module registers them all."""

from tests.conformance.mutants import site_rules
from tests.conformance.mutants.sites import SITES

MODULES = (site_rules,)

__all__ = ["MODULES", "SITES"]
