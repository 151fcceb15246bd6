"""The environment in which the laptop stack, its functions and its worker run."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

REGION = "us-east-1"
PRIVATE_FOLDER = ".parley"
SECRET_FILE = "jwt_secret"
STATE = "PARLEY_STATE"
NO_STATE = "none"

FAKE_AWS = {
    "AWS_ACCESS_KEY_ID": "laptop",
    "AWS_SECRET_ACCESS_KEY": "laptop",
    "AWS_SESSION_TOKEN": "laptop",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    # moto answers at the service's own host names, not at the account's.
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
}
"""Stands in for every ``AWS_*`` variable, so the user's account is out of reach."""

DEFAULTS = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "parley-development-livekit-secret-key",
    "PARLEY_BIND": "127.0.0.1",
    "PARLEY_HTTP_PORT": "8000",
    "PARLEY_REACHES_WORKERS": "true",
    "PARLEY_WORKER_PORT": "8080",
    "POWERTOOLS_SERVICE_NAME": "parley",
    "POWERTOOLS_TRACE_DISABLED": "1",
}


def laptop_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The whole environment of the stack that is started with ``environ``.

    ``folder`` is the checkout: its development secret is made on first use.
    """
    kept = {name: value for name, value in environ.items() if not _is_aws(name)}
    result = DEFAULTS | {name: value for name, value in kept.items() if value}
    result |= FAKE_AWS
    result["PARLEY_ENV"] = "development"
    result["PARLEY_JWT_SECRET"] = jwt_secret(environ, folder)
    result[STATE] = _state(environ, folder, result["PARLEY_HTTP_PORT"])
    result.setdefault("LIVEKIT_CLIENT_URL", result["LIVEKIT_URL"])
    return result


def jwt_secret(environ: Mapping[str, str], folder: Path) -> str:
    """The secret that signs development tokens: given, or one per checkout."""
    given = environ.get("PARLEY_JWT_SECRET")
    if given:
        return given
    path = folder / PRIVATE_FOLDER / SECRET_FILE
    if not path.exists():
        _create_secret(path)
    return path.read_text(encoding="ascii").strip()


def _state(environ: Mapping[str, str], folder: Path, http_port: str) -> str:
    """Given; or a folder for each port, so that two stacks of a checkout are two."""
    given = environ.get(STATE)
    if given is None:
        return str(folder / PRIVATE_FOLDER / "state" / http_port)
    return given or NO_STATE


def _create_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    try:
        # Linking fails if another stack was first, and never shows half a secret.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _is_aws(name: str) -> bool:
    return name.startswith(("AWS_", "BOTO_"))
