"""A media server: it hears a call, and is what the caller hears.

``python -m examples.media_server`` serves ``/echo``, which says everything back, and
``/beep``, which answers whatever is said with a tone, and is silent at once when it is
interrupted. An application names it in an invite's ``mediaPass``.
"""
