"""Waits for a publisher: in full at first; after one without success, a multiple of the longest wait so far."""

from dataclasses import dataclass

_SHORT_SECONDS, _SHORTER_SECONDS, _FEW = 3.0, 1.0, 3
_LAGS = 3


@dataclass(slots=True)
class RunWaits:
    """The waits of a run. ``missed`` counts those without the expected result; ``lag`` the longest
    time that the platform took beyond the waits of faults. A platform that never fails gets each wait in full.
    """

    patience: float
    missed: int = 0
    lag: float = 0.0

    def seconds(self, most: float, *, fault_seconds: float) -> float:
        """The time to wait, of at most ``most`` seconds times ``patience``; those of faults take ``fault_seconds``."""
        if not self.missed:
            return most * self.patience
        short = _SHORT_SECONDS if self.missed <= _FEW else _SHORTER_SECONDS
        return min(most * self.patience, fault_seconds + max(short * self.patience, _LAGS * self.lag))

    def note(self, took: float, *, fault_seconds: float, found: bool) -> None:
        """Note a wait that has ended."""
        if found:
            self.lag = max(self.lag, took - fault_seconds)
        else:
            self.missed += 1
