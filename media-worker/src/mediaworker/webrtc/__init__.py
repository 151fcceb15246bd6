"""Legs of browsers: ICE and DTLS by aioice and aiortc, the audio on our own path.

May import `mediaworker.transports` and all that is below it.
"""
