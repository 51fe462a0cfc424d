"""The contract of the ``EventLog`` port, which every implementation passes.

An implementation subclasses ``EventLogContract`` in a ``test_*.py`` module and overrides the hooks of ``LogFixture``:
``storage`` and ``open_log`` at least; the others provoke what cannot be provoked through the port.
"""

from tests.contract.log_appending import Appending
from tests.contract.log_keeping import Keeping
from tests.contract.log_owning import Owning
from tests.contract.log_reading import Reading


class EventLogContract(Appending, Reading, Owning, Keeping):
    """The contract of the port, one test per guarantee."""
