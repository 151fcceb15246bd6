"""SIP as machines: framing, transactions, dialogs, digest, one endpoint over them.

Pure: imports `chalicelib.protocol`; no socket, no clock, no chance.
"""
