"""The worker's side of the fleet: its lease, its facts, the orders it is given; and
what it posts to the sockets that API Gateway holds.

`membership`, `outbox` and `signing` are pure; `plane` and `connections` carry what is
said.
"""
