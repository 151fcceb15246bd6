"""The environment, and the development secret in it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.laptop.environment import jwt_secret, laptop_environment


def test_make_the_secret_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = laptop_environment({}, tmp_path)
    file = tmp_path / ".parley" / "jwt_secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first["PARLEY_JWT_SECRET"]) >= 32
    assert laptop_environment({}, tmp_path) == first
    assert os.listdir(file.parent) == ["jwt_secret"]


def test_make_one_secret_for_stacks_that_start_together(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        made = set(threads.map(lambda _: jwt_secret({}, tmp_path), range(64)))
    assert len(made) == 1
    assert os.listdir(tmp_path / ".parley") == ["jwt_secret"]


def test_prefer_the_given_secret(tmp_path: Path) -> None:
    given = {"PARLEY_JWT_SECRET": "s" * 32}
    assert laptop_environment(given, tmp_path)["PARLEY_JWT_SECRET"] == "s" * 32
    assert not (tmp_path / ".parley").exists()


def test_keep_the_real_account_out(tmp_path: Path) -> None:
    real = {
        "AWS_ACCESS_KEY_ID": "REAL",
        "AWS_SECRET_ACCESS_KEY": "REAL",
        "AWS_SESSION_TOKEN": "REAL",
        "AWS_PROFILE": "REAL",
        "AWS_ENDPOINT_URL": "http://REAL",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://REAL",
        "AWS_REGION": "REAL",
        "AWS_CONFIG_FILE": "REAL",
        "AWS_ROLE_ARN": "REAL",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "REAL",
    }
    made = laptop_environment({**real, "PATH": "/bin"}, tmp_path)
    assert not [name for name, value in made.items() if "REAL" in value]
    assert made["PATH"] == "/bin"
    assert "AWS_PROFILE" not in made
    assert "AWS_ENDPOINT_URL" not in made


def test_default_livekit_for_development(tmp_path: Path) -> None:
    made = laptop_environment({}, tmp_path)
    assert made["PARLEY_ENV"] == "development"
    assert made["LIVEKIT_URL"] == "ws://127.0.0.1:7880"
    assert made["LIVEKIT_CLIENT_URL"] == made["LIVEKIT_URL"]
    assert made["LIVEKIT_API_KEY"] == "devkey"
    assert len(made["LIVEKIT_API_SECRET"].encode()) >= 32


def test_let_the_user_choose_livekit(tmp_path: Path) -> None:
    mine = {"LIVEKIT_URL": "wss://lk.example", "LIVEKIT_API_KEY": "key"}
    made = laptop_environment(mine, tmp_path)
    assert made["LIVEKIT_CLIENT_URL"] == "wss://lk.example"
    assert made["LIVEKIT_API_KEY"] == "key"
    other = laptop_environment({**mine, "LIVEKIT_CLIENT_URL": "wss://c"}, tmp_path)
    assert other["LIVEKIT_CLIENT_URL"] == "wss://c"


def test_be_development_whatever_is_set(tmp_path: Path) -> None:
    made = laptop_environment({"PARLEY_ENV": "production"}, tmp_path)
    assert made["PARLEY_ENV"] == "development"


def test_keep_state_for_each_port_unless_told_otherwise(tmp_path: Path) -> None:
    def state(**given: str) -> str:
        return laptop_environment(given, tmp_path)["PARLEY_STATE"]

    kept = tmp_path / ".parley" / "state"
    assert state() == str(kept / "8000")
    assert state(PARLEY_HTTP_PORT="9000") == str(kept / "9000")
    assert state(PARLEY_STATE="elsewhere") == "elsewhere"
    assert state(PARLEY_STATE="") == "none"
