"""Help for everybody: the words of these pages, whom to ask, and where everything is."""
