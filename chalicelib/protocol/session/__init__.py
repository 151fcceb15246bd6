"""The session protocol of Active Call: commands in, events out, their options.

`kinds`, `containers`, `fields` and `records` say how a frozen dataclass is read and
written; `options`, `speech`, `commands`, `events` and `query` are those dataclasses;
`codec` is the way in and out, `ids` tell whose a session is. Standard library and
`chalicelib.protocol` only.
"""
