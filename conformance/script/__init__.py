"""The small language of cases: names to be filled in, and matchers that say what a value must be. Pure."""
