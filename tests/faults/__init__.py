"""Everything that can go wrong between a service and its storage, at will.

``interleaving`` runs clients as if at once, in an order that a test draws;
``repository`` is a repository in memory that fails as a test draws;
``history`` holds what was stored against the pure machine.
"""
