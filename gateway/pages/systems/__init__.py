"""The systems of the federation for an operator: how each one does, and its feed paused, resumed, run now."""
