"""Pages that are made of the code: what can be configured, and what it costs.

``reading`` finds the variables that the code reads, ``variables`` says what they mean,
``pages`` writes docs/. May import the wiring, the costing and the settings' modules.
"""
