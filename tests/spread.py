"""How pytest-xdist spreads the tests over its workers: a worker runs whole files, the longest first."""

from xdist.scheduler import LoadScopeScheduling

LONGEST: tuple[str, ...] = ()
"""Files and folders that take longest, longest first; the rest follows in its own order."""

_MATRIX = "tests/interconnection/test_interconnection_matrix.py"


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file is one unit of work, so that what its module sets up is set up once. The matrix of the interconnection is
    played once on each log: one unit of work for each.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return f"{path} {'kafka' in nodeid}" if path == _MATRIX else path
