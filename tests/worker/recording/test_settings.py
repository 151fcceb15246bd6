"""Where things are kept, by the environment."""

from pathlib import Path

import pytest

from mediaworker.recording.settings import (
    BadRecordingSetting,
    BucketPlace,
    RecordingSettings,
)


def parse(**given: str) -> RecordingSettings:
    return RecordingSettings.parse(given)


def test_defaults_are_a_folder_and_dumps_while_developing() -> None:
    settings = parse(PARLEY_RECORDINGS=" ")
    assert settings.recordings == Path(".parley/recordings")
    assert settings.details is None and not settings.needs_bucket
    assert not settings.has_dumps
    assert parse(PARLEY_ENV="development").has_dumps


def test_switch_wins() -> None:
    assert parse(PARLEY_DUMPS="ON").has_dumps
    assert not parse(PARLEY_ENV="development", PARLEY_DUMPS="off").has_dumps


def test_buckets_have_a_prefix_or_none() -> None:
    settings = parse(
        PARLEY_RECORDINGS="s3://calls/a/b/",
        PARLEY_CDR="s3://calls",
        AWS_REGION="eu-west-1",
        AWS_ENDPOINT_URL="http://a",
    )
    assert settings.recordings == BucketPlace("calls", "a/b/")
    assert settings.details == BucketPlace("calls", "")
    assert (settings.region, settings.endpoint) == ("eu-west-1", "http://a")
    assert settings.needs_bucket


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PARLEY_RECORDINGS", "s3://"),
        ("PARLEY_RECORDINGS", "s3:calls"),
        ("PARLEY_CDR", "s3://calls/../x"),
        ("PARLEY_CDR", "s3://CALLS"),
        ("PARLEY_DUMPS", "yes"),
    ],
)
def test_what_is_wrong_is_named(name: str, text: str) -> None:
    with pytest.raises(BadRecordingSetting, match=name):
        parse(**{name: text})
