"""The contract of the ``EventLog`` port, which every implementation passes.

An implementation subclasses ``EventLogContract`` in a ``test_*.py`` module and overrides the hooks of ``LogFixture``:
``storage`` and ``open_log`` at least; the others provoke what cannot be provoked through the port.
"""

from tests.log.contract.log_appending import Appending
from tests.log.contract.log_counting import Counting
from tests.log.contract.log_keeping import Keeping
from tests.log.contract.log_owning import Owning
from tests.log.contract.log_reading import Reading


class EventLogContract(Appending, Reading, Owning, Keeping, Counting):
    """The contract of the port, one test per guarantee."""
