"""The worker's side of the fleet: its lease, its facts, the orders it is given.

`membership` and `outbox` are pure; `client` carries what they say.
"""
