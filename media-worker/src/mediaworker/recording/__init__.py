"""The recording process: files of calls, dumps and detail records, and their uploads.

The media process starts it, gives it audio through a ring of shared memory, and tells
it the rest over a socket. Modules here import `audio`, `control.signing` and each
other; of the runtime they know its clock alone.
"""
