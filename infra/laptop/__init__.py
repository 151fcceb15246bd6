"""The laptop stack: the cloud in one process, for development and tests.

Built from ``infra.wiring`` on moto, with an HTTP gateway that speaks API
Gateway's events and the media worker beside it. May import everything of
Parley by its handler strings; nothing imports it but tests and measurements.
"""
