"""The parts that every page shares: the registry, layout and components, stylesheet, script, headers, language."""
