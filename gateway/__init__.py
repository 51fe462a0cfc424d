"""The federation gateway: a pure protocol core and the service around it."""
