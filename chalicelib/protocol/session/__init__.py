"""The session protocol of Active Call: commands in, events out, their options.

`kinds`, `fields` and `records` say how a frozen dataclass is read and written;
`options`, `speech`, `commands` and `events` are those dataclasses; `codec` is the
way in and out. Standard library and `chalicelib.protocol` only.
"""
