"""One tick for all sessions, and what happens between two ticks.

May import the machines, the ports of speech, asyncio; no socket and no HTTP.
"""
