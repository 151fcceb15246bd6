"""What carries a session's commands and audio: bytes in, bytes out, no decisions.

May import the runtime's ports, asyncio and picows; no HTTP beyond the upgrade.
"""
