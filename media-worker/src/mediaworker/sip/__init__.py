"""SIP as machines: framing, transactions, dialogs, digest, one endpoint over them.

Pure: imports `sipmessage` and `chalicelib.protocol`; no socket, no clock, no chance.
"""
