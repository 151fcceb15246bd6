"""RTP and RTCP, jitter buffer, telephone-event and SDP: bytes in, values out.

Pure: imports `mediaworker.audio` and `chalicelib.protocol`; no socket, no clock.
"""
