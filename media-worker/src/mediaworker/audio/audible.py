"""Whether somebody is heard, in audio that may be silence or not be there at all."""

from mediaworker.audio.media_pass import is_quiet

LASTS_FRAMES = 50
"""Who is quiet for so long is not heard any more."""
SKIPPED_FRAMES = 10
"""After one that is heard: they are not looked at."""


class Audible:
    """Takes frames one after the other."""

    def __init__(self) -> None:
        self.is_heard = False
        self._quiet = 0
        self._skips = 0

    def feed(self, frame: bytes | None) -> bool:
        """Whether `is_heard` is another than before."""
        if self._skips:
            self._skips -= 1
            return False
        was_heard = self.is_heard
        if frame is None or is_quiet(frame):
            self._quiet += 1
            self.is_heard = was_heard and self._quiet < LASTS_FRAMES
        else:
            self._quiet, self._skips = 0, SKIPPED_FRAMES
            self.is_heard = True
        return self.is_heard is not was_heard
