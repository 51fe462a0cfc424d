"""An offer as the national site takes it, and whether it takes it."""
