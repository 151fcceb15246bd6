"""Where recordings, dumps and detail records are kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

FOLDER = ".parley/recordings"
SPOOL = ".parley/spool"
BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?\Z", re.DOTALL)
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/=-]{0,512}\Z")
SWITCH = {"on": True, "off": False}
REGION = "us-east-1"
DEVELOPMENT = "development"


class BadRecordingSetting(ValueError):
    """One sentence that says which variable is wrong, and why."""


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """``s3://name/prefix``."""

    name: str
    prefix: str
    """Before all keys: empty, or with a slash at its end."""


Place = Path | BucketPlace


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """What the recording process is to do, and what the sessions ask of it."""

    recordings: Place = Path(FOLDER)
    spool: Path = Path(SPOOL)
    """Where files are until they are in a bucket."""
    details: Place | None = None
    """Of sessions' detail records; None: there are none."""
    has_dumps: bool = False
    region: str = REGION
    endpoint: str | None = None
    """Of another S3 than Amazon's."""

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        """Raises `BadRecordingSetting`; a variable that is empty counts as absent."""
        given = {name: text for name, text in environment.items() if text.strip()}
        is_development = given.get("PARLEY_ENV", "").lower() == DEVELOPMENT
        details = given.get("PARLEY_CDR")
        region = given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION")
        return cls(
            recordings=_place("PARLEY_RECORDINGS", given, FOLDER),
            spool=Path(given.get("PARLEY_SPOOL", SPOOL)),
            details=_place("PARLEY_CDR", given, "") if details else None,
            has_dumps=_switch("PARLEY_DUMPS", given, is_development),
            region=region or REGION,
            endpoint=given.get("AWS_ENDPOINT_URL_S3") or given.get("AWS_ENDPOINT_URL"),
        )

    @property
    def needs_bucket(self) -> bool:
        places = (self.recordings, self.details)
        return any(isinstance(place, BucketPlace) for place in places)


def _place(name: str, given: Mapping[str, str], default: str) -> Place:
    text = given.get(name, default).strip()
    if not text.startswith("s3:"):
        return Path(text)
    found = BUCKET.match(text)
    prefix = (found and found.group(2) or "").strip("/")
    if found is None or not PREFIX.match(prefix) or ".." in prefix:
        raise BadRecordingSetting(
            f"{name} is a folder or s3://bucket/prefix, not {text!r}."
        )
    return BucketPlace(found.group(1), f"{prefix}/" if prefix else "")


def _switch(name: str, given: Mapping[str, str], default: bool) -> bool:
    text = given.get(name)
    if text is None:
        return default
    if text.strip().lower() not in SWITCH:
        raise BadRecordingSetting(f"{name} is on or off, not {text!r}.")
    return SWITCH[text.strip().lower()]
