"""How the kernel is to treat a connection that carries audio."""

import socket

NOT_SENT_BYTES = 16_384
"""What the kernel holds back beyond what is on its way: late audio helps nobody."""
GONE_MS = 30_000
"""A peer that acknowledges nothing for so long is not there any more."""
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


def prepare(connection: socket.socket) -> None:
    """Frames leave at once; who is gone is noticed, whether or not we write."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        **KEEPALIVE,
        "TCP_USER_TIMEOUT": GONE_MS,
        "TCP_NOTSENT_LOWAT": NOT_SENT_BYTES,
    }
    for name, value in options.items():
        option = getattr(socket, name, None)
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
