"""``python -m infra.demo_fleet``: three workers, one killed and one drained under load.

It starts a stack of its own, has applications talk with it, and shows what became of
every one of them. The exit status tells whether all of it is as it should be.
"""
