"""Every wrong gateway of the table: importing this module registers them all."""

from tests.conformance.mutants import feed_programs, reader_programs, state_programs
from tests.conformance.mutants.programs import WRONG_PROGRAMS, WrongProgram

MODULES = (feed_programs, reader_programs, state_programs)

__all__ = ["MODULES", "WRONG_PROGRAMS", "WrongProgram"]
