"""Who in a session waits for what the speech process answers.

Instants and numbers of an answer are the session's own. What nobody waits for, or
not any more, means nothing.
"""

from mediaworker.session.lifecycle import Call
from mediaworker.session.player import Player
from mediaworker.speech.replies import (
    Answer,
    Broken,
    Chunk,
    Judged,
    Made,
    Marks,
    Misheard,
    OfStream,
    Remark,
    Text,
    Unheard,
)


def hear(call: Call, reply: Answer, now: float) -> None:
    """Bring it to whoever asked."""
    if isinstance(reply, OfStream):
        _hear_of_stream(call, reply, now)
    elif call.player is not None:
        _hear_of_job(call.player, reply, now)


def lose(call: Call, now: float) -> None:
    """Nothing that runs there will be answered."""
    if call.player is not None:
        call.player.lose(now)
    if call.utterances is not None:
        call.utterances.lose(now)
    if call.remarks is not None:
        call.remarks.lose(now)


def _hear_of_job(player: Player, reply: Answer, now: float) -> None:
    match reply:
        case Chunk(job, samples):
            player.chunk(job, samples)
        case Made():
            player.made(reply, now)
        case Broken(job, _, sentence, code):
            player.broken(job, sentence, code, now)
        case Marks(job, words):
            player.marks(job, words)


def _hear_of_stream(call: Call, reply: OfStream, now: float) -> None:
    match reply:
        case Text() | Misheard():
            _hear_of_utterance(call, reply, now)
        case Remark() | Unheard():
            if call.remarks is not None:
                call.remarks.receive(reply, now)
        case Judged():
            if call.hearing is not None and call.hearing.ends is not None:
                call.hearing.ends.hear(reply, now)
        case _:
            if call.hearing is not None:
                call.hearing.beep(reply.from_ms, reply.to_ms, now)


def _hear_of_utterance(call: Call, reply: Text | Misheard, now: float) -> None:
    utterances = call.utterances
    if utterances is None:
        return
    if isinstance(reply, Text):
        utterances.hear(reply, now)
    else:
        utterances.misheard(reply, now)
