"""Users told of calls: on their devices' sockets, and on phones that sleep."""
