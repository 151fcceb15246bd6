"""The numbers that Parley has to reach, measured by fixed methods (README.md).

``goals`` is the table of all rows; each measure is a module of its own, run by
``worker`` in a process of its own; ``report`` prints and records what came out.

May import the product and infra; nothing imports it.
"""
