"""The demo: realistic offers from a seed, and the whole federation that publishes, delivers and reads them.

generator.py  offers, some of them wrong      federation.py  everything that runs       scenario.py  what happens
fate.py       what must become of them        balance.py     what the far ends hold     display.py   what one sees
"""
