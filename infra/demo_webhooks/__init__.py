"""``python -m infra.demo_webhooks``: a business that fails in every way, and recovers.

It starts a stack of its own, has calls made while its endpoints fail, and shows what
became of every webhook. The exit status tells whether all of it is as it should be.
"""
