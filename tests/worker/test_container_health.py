import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mediaworker import health


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port that says this to whoever asks, once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked = connection.recv(1_024)
                assert asked.startswith(b"GET /health HTTP/1.1\r\n")
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 0),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1),
        (b"SSH-2.0-200\r\n", 1),
        (b"", 1),
    ],
)
@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_tell_what_the_process_answers(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, status: int, host: str
) -> None:
    with answering(answer) as port:
        monkeypatch.setenv("PARLEY_BIND", host)
        monkeypatch.setenv("PARLEY_WORKER_PORT", str(port))
        assert health.main() == status


def test_tell_that_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.delenv("PARLEY_BIND", raising=False)
        monkeypatch.setenv("PARLEY_WORKER_PORT", str(taken.getsockname()[1]))
        assert health.main() == 1
    assert "refused" in capsys.readouterr().out
