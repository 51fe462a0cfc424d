"""Target: the partner's set-up file, clients of its system, and recorded exchanges."""
