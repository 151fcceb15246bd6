"""``python -m infra.laptop``: all of Parley on this machine, until Ctrl-C."""

import os
import signal

if __name__ == "__main__":
    # Our imports take a while, and Ctrl-C is no error in that time either.
    for _number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(_number, lambda *_: os._exit(0))

    from infra.laptop.command import leave, main

    leave(main())
