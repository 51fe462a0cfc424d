"""Demo: realistic offers from a seed, and a complete federation that publishes, delivers and reads them.

generator.py  offers, some of them wrong      federation.py  all running systems        scenario.py  steps of the demo
expected.py   expected outcome of each        balance.py     counts at external systems display.py   terminal output
"""
