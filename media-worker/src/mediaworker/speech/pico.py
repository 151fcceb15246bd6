"""SVOX Pico, as Debian's non-free section packages it: the clearest small voice."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cffi

from mediaworker.speech.languages import primary
from mediaworker.speech.native import load, samples_at
from mediaworker.speech.ports import Failure, Hear, NotInstalled, Voice

LIBRARY = "libttspico.so.0"
FOLDER = Path("/usr/share/pico/lang")
VOICES: Mapping[str, tuple[str, str]] = {
    "en-us": ("en-US_ta.bin", "en-US_lh0_sg.bin"),
    "en-gb": ("en-GB_ta.bin", "en-GB_kh0_sg.bin"),
    "de-de": ("de-DE_ta.bin", "de-DE_gl0_sg.bin"),
    "es-es": ("es-ES_ta.bin", "es-ES_zl0_sg.bin"),
    "fr-fr": ("fr-FR_ta.bin", "fr-FR_nk0_sg.bin"),
    "it-it": ("it-IT_ta.bin", "it-IT_cm0_sg.bin"),
}
"""The first of a language is its best."""
PREFIX = "pico-"
"""Of a speaker's name; without it, it may be somebody else's."""
MEMORY_BYTES = 2_500_000
BUFFER_BYTES = 3_200
BUSY = 201
IDLE = 200
SPEED_PERCENT = range(20, 501)

DECLARATIONS = """
typedef void *Handle;
int pico_initialize(void *, unsigned int, Handle *);
int pico_loadResource(Handle, const char *, Handle *);
int pico_getResourceName(Handle, Handle, char *);
int pico_createVoiceDefinition(Handle, const char *);
int pico_addResourceToVoiceDefinition(Handle, const char *, const char *);
int pico_newEngine(Handle, const char *, Handle *);
int pico_resetEngine(Handle, int);
int pico_putTextUtf8(Handle, const char *, short, short *);
int pico_getData(Handle, void *, short, short *, short *);
"""


class PicoVoice:
    """A `Voice`: a system of its own, for one engine is all that a system has."""

    rate = 16_000

    def __init__(
        self, ffi: cffi.FFI, library: Any, language: str, folder: Path
    ) -> None:
        self.name = f"{PREFIX}{language}"
        self._ffi = ffi
        self._library = library
        self._memory = ffi.new("char[]", MEMORY_BYTES)
        self._count = ffi.new("short *")
        self._kind = ffi.new("short *")
        self._buffer = ffi.new("short[]", BUFFER_BYTES // 2)
        self._engine = self._open(language, folder)

    def speak(self, text: str, speed: float, hear: Hear) -> None:
        percent = min(SPEED_PERCENT[-1], max(SPEED_PERCENT[0], round(speed * 100)))
        # It would take what stands in angle brackets for an order.
        plain = text.replace("<", " ").replace(">", " ").replace("\0", " ")
        data = f"<speed level='{percent}'>{plain}</speed>".encode() + b"\0"
        given = self._ffi.new("char[]", data)
        done = 0
        while done < len(data):
            rest = min(len(data) - done, 32_000)
            self._check(
                self._library.pico_putTextUtf8(
                    self._engine, given + done, rest, self._count
                )
            )
            done += self._count[0]
            for count in self._data():
                if not hear(samples_at(self._ffi, self._buffer, count)):
                    self._check(self._library.pico_resetEngine(self._engine, 0))
                    return

    def _data(self) -> Iterator[int]:
        status = BUSY
        while status == BUSY:
            status = self._library.pico_getData(
                self._engine, self._buffer, BUFFER_BYTES, self._count, self._kind
            )
            if self._count[0]:
                yield self._count[0] // 2
        if status != IDLE:
            raise Failure(f"the voice failed with status {status}", 500)

    def _open(self, language: str, folder: Path) -> Any:
        system = self._ffi.new("Handle *")
        self._check(self._library.pico_initialize(self._memory, MEMORY_BYTES, system))
        voice = b"voice"
        self._check(self._library.pico_createVoiceDefinition(system[0], voice))
        for file in VOICES[language]:
            resource = self._ffi.new("Handle *")
            path = str(folder / file).encode()
            self._check(self._library.pico_loadResource(system[0], path, resource))
            called = self._ffi.new("char[200]")
            self._library.pico_getResourceName(system[0], resource[0], called)
            self._check(
                self._library.pico_addResourceToVoiceDefinition(
                    system[0], voice, called
                )
            )
        engine = self._ffi.new("Handle *")
        self._check(self._library.pico_newEngine(system[0], voice, engine))
        return engine[0]

    def _check(self, status: int) -> None:
        if status:
            raise Failure(f"the voice failed with status {status}", 500)


class Pico:
    """An `Engine`; raises `NotInstalled`. Voices are loaded when first spoken with."""

    name = "pico"

    def __init__(self, library: str = LIBRARY, folder: Path = FOLDER) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(DECLARATIONS)
        self._library = load(self._ffi, library)
        self._folder = folder
        self._there = [
            name
            for name, files in VOICES.items()
            if all((folder / file).is_file() for file in files)
        ]
        if not self._there:
            raise NotInstalled("the voices of pico")
        self._voices: dict[str, PicoVoice] = {}

    def named(self, speaker: str) -> Voice | None:
        name = speaker.lower().removeprefix(PREFIX)
        return self._voice(name) if name in self._there else None

    def speaks(self, language: str) -> Voice | None:
        same = [name for name in self._there if primary(name) == primary(language)]
        if not same:
            return None
        return self._voice(language if language in same else same[0])

    def _voice(self, name: str) -> Voice:
        if name not in self._voices:
            self._voices[name] = PicoVoice(self._ffi, self._library, name, self._folder)
        return self._voices[name]
