"""CMU Flite, as Debian packages it: English voices that begin to speak at once."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import cffi

from mediaworker.speech.languages import primary
from mediaworker.speech.native import load, samples_at
from mediaworker.speech.ports import Hear, NotInstalled, Voice

VOICES = ("slt", "rms", "awb", "kal16", "kal")
"""The best first."""
LANGUAGE = "en"

CONTINUE, STOP = 0, -1
FIRST_SAMPLES = 256

DECLARATIONS = """
typedef struct cst_features cst_features;
typedef struct cst_val cst_val;
typedef struct {
    const char *type; int sample_rate; int num_samples; int num_channels;
    short *samples;
} cst_wave;
typedef struct { const char *name; cst_features *features; } cst_voice;
typedef struct streaming {
    int min_buffsize;
    int (*hear)(const cst_wave *, int, int, int, struct streaming *);
    const void *utterance; const void *item; void *userdata;
} streaming;
int flite_init(void);
cst_wave *flite_text_to_wave(const char *, cst_voice *);
void delete_wave(cst_wave *);
void flite_feat_set(cst_features *, const char *, const cst_val *);
void flite_feat_set_float(cst_features *, const char *, float);
streaming *new_audio_streaming_info(void);
cst_val *audio_streaming_info_val(const streaming *);
"""
PUNCTUATION = str.maketrans("‘’“”–—…", "''\"\"--.")


class FliteVoice:
    """A `Voice`."""

    def __init__(self, ffi: cffi.FFI, library: Any, name: str, voice: Any) -> None:
        self.name = name
        self.rate = 8_000 if name == "kal" else 16_000
        self._ffi = ffi
        self._library = library
        self._voice = voice
        self._hear: Hear | None = None
        self._callback = ffi.callback(
            "int(const cst_wave *, int, int, int, struct streaming *)",
            self._take,
            error=STOP,
            onerror=self._keep,
        )
        self._error: BaseException | None = None
        streaming = library.new_audio_streaming_info()
        streaming.min_buffsize = FIRST_SAMPLES
        streaming.hear = self._callback
        library.flite_feat_set(
            voice.features,
            b"streaming_info",
            library.audio_streaming_info_val(streaming),
        )

    def speak(self, text: str, speed: float, hear: Hear) -> None:
        self._hear, self._error = hear, None
        features = self._voice.features
        self._library.flite_feat_set_float(features, b"duration_stretch", 1 / speed)
        wave = self._library.flite_text_to_wave(_ascii(text), self._voice)
        if wave != self._ffi.NULL:
            self._library.delete_wave(wave)
        if self._error is not None:
            raise self._error

    def _take(self, wave: Any, start: int, count: int, last: int, info: Any) -> int:
        if not count or self._hear is None:
            return CONTINUE
        samples = samples_at(self._ffi, wave.samples + start, count)
        return CONTINUE if self._hear(samples) else STOP

    def _keep(self, kind: object, error: BaseException, trace: object) -> None:
        self._error = error


class Flite:
    """An `Engine`; raises `NotInstalled`."""

    name = "flite"

    def __init__(self) -> None:
        ffi = cffi.FFI()
        ffi.cdef(DECLARATIONS)
        for voice in VOICES:
            ffi.cdef(f"cst_voice *register_cmu_us_{voice}(const char *);")
        library = load(ffi, "libflite.so.1")
        library.flite_init()
        self._libraries = [library]
        self._voices: Mapping[str, FliteVoice] = {
            voice.name: voice
            for voice in (self._open(ffi, library, name) for name in VOICES)
            if voice is not None
        }
        if not self._voices:
            raise NotInstalled("the voices of flite")

    def named(self, speaker: str) -> Voice | None:
        return self._voices.get(speaker.lower().removeprefix("cmu_us_"))

    def speaks(self, language: str) -> Voice | None:
        if primary(language) != LANGUAGE:
            return None
        return next(iter(self._voices.values()))

    def _open(self, ffi: cffi.FFI, library: Any, name: str) -> FliteVoice | None:
        try:
            shared = load(ffi, f"libflite_cmu_us_{name}.so.1")
        except NotInstalled:
            return None
        self._libraries.append(shared)
        voice = getattr(shared, f"register_cmu_us_{name}")(ffi.NULL)
        return FliteVoice(ffi, library, name, voice)


def _ascii(text: str) -> bytes:
    plain = unicodedata.normalize("NFKD", text.translate(PUNCTUATION))
    return plain.encode("ascii", "ignore")
