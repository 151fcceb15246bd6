"""A bounded, seeded run of each fuzz target, and the runner itself."""

from pathlib import Path

import pytest

from fuzz import __main__ as runner
from fuzz import campaign, commands
from fuzz.mutation import MOST_BYTES, inputs


@pytest.mark.parametrize(
    ("target", "most"),
    [
        ("clients", 3_000),
        ("commands", 3_000),
        ("dialects", 3_000),
        ("edge", 400),
        ("files", 2_000),
        ("gateway", 250),
        ("identity", 2_000),
        ("providers", 1_000),
        ("rtp", 3_000),
        ("sdp", 1_000),
        ("sip", 1_000),
        ("urls", 1_000),
        ("webrtc", 1_000),
    ],
)
def test_survive_what_strangers_send(target: str, most: int) -> None:
    result = campaign.run(target, seed=1, most=most)
    assert result.crash is None, result.crash
    assert result.tried == most


def test_make_the_same_inputs_of_the_same_seed() -> None:
    made = [
        [data for data, _ in zip(inputs(seed, [b"abc", b""]), range(500), strict=False)]
        for seed in (1, 1, 2)
    ]
    assert made[0] == made[1] != made[2]
    assert max(map(len, made[0])) <= MOST_BYTES


def test_keep_the_input_of_a_crash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "CRASHES", tmp_path)

    def crash(data: bytes) -> None:
        raise AssertionError("never")

    assert runner.main(["commands", "--seconds", "0.05", "--seed", "3"]) == 0
    monkeypatch.setattr(commands, "one_input", crash)
    assert runner.main(["commands"]) == 1
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == campaign.corpus_of("commands")[0]
    assert "never" in capsys.readouterr().err


def test_stop_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(data: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "one_input", interrupted)
    with pytest.raises(KeyboardInterrupt):
        campaign.run("commands", 0, most=1)
