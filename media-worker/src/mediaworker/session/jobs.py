"""What the speech process does for a session's playback, job by job."""

from collections import deque

from mediaworker.session.effects import DropJob, FetchFile, SayText
from mediaworker.session.outbox import Outbox
from mediaworker.session.playback import Passage
from mediaworker.session.rules import Rules
from mediaworker.session.samples import SAMPLE_BYTES


class Jobs:
    """Begins jobs in the order of their passages, and knows whose an answer is."""

    def __init__(self, outbox: Outbox, rules: Rules) -> None:
        self._outbox = outbox
        self._rules = rules
        self._numbers = 0
        self._running: dict[int, Passage] = {}

    def begin(self, passages: deque[Passage], rate: int) -> None:
        """As many of those that wait as their options let run at once."""
        for passage in passages:
            if passage.is_waiting:
                most = passage.option.max_concurrent_tasks or 1
                if len(self._running) >= min(most, self._rules.most_jobs):
                    return
                self._begin(passage, rate)

    def find(self, job: int) -> Passage | None:
        """None for one that is not running: its answer is late."""
        return self._running.get(job)

    def finish(self, job: int) -> Passage | None:
        """It was made, or failed; None for one that is not running."""
        passage = self._running.pop(job, None)
        if passage is not None:
            passage.finish()
        return passage

    def drop(self, passage: Passage) -> None:
        """No more of it is wanted."""
        if self.finish(passage.job) is not None:
            self._outbox.ask(DropJob(passage.job))

    def drop_all(self) -> None:
        for passage in list(self._running.values()):
            self.drop(passage)

    def running(self) -> list[int]:
        return list(self._running)

    def _begin(self, passage: Passage, rate: int) -> None:
        self._numbers += 1
        job = passage.job = self._numbers
        self._running[job] = passage
        passage.credit_bytes = self._rules.credit_ms * rate // 1_000 * SAMPLE_BYTES
        if passage.url is not None:
            self._outbox.ask(FetchFile(job, passage.url, passage.offset_ms))
        else:
            option, key = passage.option, passage.cache_key
            self._outbox.ask(SayText(job, passage.text, option, key))
