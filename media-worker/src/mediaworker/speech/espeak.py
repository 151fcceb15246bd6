"""eSpeak NG out of its wheel: a robot, but one that speaks a hundred languages."""

import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cffi

from mediaworker.speech.languages import primary
from mediaworker.speech.native import load, samples_at
from mediaworker.speech.ports import Hear, NotInstalled, Voice

SYNCHRONOUS = 2
DO_NOT_EXIT = 0x8000
BUFFER_MS = 50
UTF8, END_PAUSE = 1, 0x1000
CHARACTERS = 1
WORDS_PER_MINUTE = 1
NORMAL_SPEED = 165
CONTINUE, STOP = 0, 1
PATH_MAX = 120
"""The library keeps its folder's path in 160 bytes, and looks at no more."""

PREFERRED: Mapping[str, str] = {
    "en": "en-us",
    "zh": "cmn",
    "zh-hk": "yue",
    "no": "nb",
    "iw": "he",
    "tl": "fil",
}
DECLARATIONS = """
typedef struct {
    const char *name; const char *languages; const char *identifier;
    unsigned char gender; unsigned char age; unsigned char variant; unsigned char xx;
    int score; void *spare;
} espeak_VOICE;
int espeak_Initialize(int, int, const char *, int);
void espeak_SetSynthCallback(int (*)(short *, int, void *));
int espeak_SetVoiceByName(const char *);
int espeak_SetParameter(int, int, int);
const espeak_VOICE **espeak_ListVoices(espeak_VOICE *);
int espeak_Synth(const void *, size_t, unsigned int, int, unsigned int,
                 unsigned int, unsigned int *, void *);
"""


class _Library:
    """There is one a process, and it keeps what it was last told."""

    def __init__(self) -> None:
        self.ffi = cffi.FFI()
        self.ffi.cdef(DECLARATIONS)
        library, data = _paths()
        self._native = load(self.ffi, library)
        folder = _short(data.parent)
        self.rate: int = self._native.espeak_Initialize(
            SYNCHRONOUS, BUFFER_MS, str(folder).encode(), DO_NOT_EXIT
        )
        if self.rate <= 0:
            raise NotInstalled("the data of espeak-ng")
        self._lock = threading.Lock()
        self._hear: Hear | None = None
        self._error: BaseException | None = None
        self._callback = self.ffi.callback(
            "int(short *, int, void *)", self._take, error=STOP, onerror=self._keep
        )
        self._native.espeak_SetSynthCallback(self._callback)

    def languages(self) -> Mapping[str, str]:
        """Every language, and the name of its best voice."""
        listed = self._native.espeak_ListVoices(self.ffi.NULL)
        found: dict[str, str] = {}
        at = 0
        while listed[at] != self.ffi.NULL:
            # A byte of priority stands before the language.
            language = self.ffi.string(listed[at].languages + 1).decode()
            found.setdefault(language.lower(), language)
            at += 1
        return found

    def speak(self, voice: str, text: str, speed: float, hear: Hear) -> None:
        data = text.encode()
        with self._lock:
            self._hear, self._error = hear, None
            self._native.espeak_SetVoiceByName(voice.encode())
            pace = round(NORMAL_SPEED * speed)
            self._native.espeak_SetParameter(WORDS_PER_MINUTE, pace, 0)
            self._native.espeak_Synth(
                data,
                len(data) + 1,
                0,
                CHARACTERS,
                0,
                UTF8 | END_PAUSE,
                self.ffi.NULL,
                self.ffi.NULL,
            )
            self._hear = None
            if self._error is not None:
                raise self._error

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples == self.ffi.NULL or count <= 0 or self._hear is None:
            return CONTINUE
        return CONTINUE if self._hear(samples_at(self.ffi, samples, count)) else STOP

    def _keep(self, kind: object, error: BaseException, trace: object) -> None:
        self._error = error


class EspeakVoice:
    """A `Voice`."""

    def __init__(self, library: _Library, name: str) -> None:
        self.name = name
        self.rate = library.rate
        self._library = library

    def speak(self, text: str, speed: float, hear: Hear) -> None:
        self._library.speak(self.name, text, speed, hear)


class Espeak:
    """An `Engine`; raises `NotInstalled`. Every one is the same library."""

    name = "espeak"
    _library: _Library | None = None
    _opening = threading.Lock()

    def __init__(self) -> None:
        with Espeak._opening:
            if Espeak._library is None:
                Espeak._library = _Library()
        self._languages = Espeak._library.languages()

    def named(self, speaker: str) -> Voice | None:
        """A language is a voice's name here."""
        return self._voice(self._languages.get(speaker.lower()))

    def speaks(self, language: str) -> Voice | None:
        asked = [language, primary(language)]
        wanted = [name for tag in asked for name in (PREFERRED.get(tag), tag) if name]
        return self._voice(
            next(
                (self._languages[tag] for tag in wanted if tag in self._languages), None
            )
        )

    def _voice(self, name: str | None) -> Voice | None:
        assert Espeak._library is not None
        return None if name is None else EspeakVoice(Espeak._library, name)


def _paths() -> tuple[str, Path]:
    """Of the library and its data. An image may be built without them."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise NotInstalled("espeakng-loader") from error
    return (
        espeakng_loader.get_library_path(),
        Path(espeakng_loader.get_data_path()),
    )


def _short(folder: Path) -> Path:
    if len(str(folder).encode()) <= PATH_MAX:
        return folder
    link = Path(tempfile.mkdtemp(prefix="espeak-")) / "data"
    link.symlink_to(folder)
    return link
