"""The map of France that pages share: outlines as packaged data, the regions that they make up, macros that draw it."""
