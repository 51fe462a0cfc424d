"""Demo: realistic offers from a seed, and a complete federation that publishes, delivers and reads them.

generator.py   offers, some of them with a fault.py; locality.py and week.py give real communes and weeks
federation.py  all running systems: entry.py (a platform before it joins), region.py, site.py, subscriber.py, process.py
channel.py     transports of the platforms        broker.py   local Kafka broker, with jars.py and tether.py
scenario.py    the demo, made of steps (step.py)  balance.py  expected and counted offers at external systems
command.py     python -m demo                     display.py  terminal output
"""
