"""Legs of phones: the SIP endpoint's sockets, who may call whom, RTP's sockets.

May import `mediaworker.transports` and all that is below it.
"""
