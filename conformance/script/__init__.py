"""Language of the cases: templates with names, and matchers for values. Pure."""
