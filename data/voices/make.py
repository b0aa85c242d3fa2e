"""Twelve words in ten voices at two speeds, spoken by espeak-ng: ``clips/*.opus`` and ``clips.csv``.

python data/voices/make.py     needs the program espeak-ng (made with 1.51), not the network

Made for this kit, CC0-1.0. Speech by espeak-ng (GPL-3.0-or-later as a program; what it says is not
covered by that licence). The same espeak-ng gives the same clips.
"""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from audio_files import RATE, Samples, empty_clips, level, trim, write_opus, write_table  # noqa: E402

BIT_RATE = 24_000
SPEEDS = {"slow": 120, "fast": 220}  # words a minute


@dataclass(frozen=True)
class Voice:
    """A language; what espeak-ng calls it; one of its variants; and a pitch from 0 to 99."""

    language: str
    speaker: str
    variant: str
    pitch: int

    @property
    def words(self) -> str:
        return self.language.partition("-")[0]


# British English is asked for as "en-gb-x-rp": espeak-ng 1.51 ignores a variant after "en-gb" without a word.
VOICES = {
    "low": Voice("en-us", "en-us", "m7", 5),
    "bright": Voice("en-us", "en-us", "shelby", 80),
    "whispering": Voice("en-us", "en-us", "whisper", 50),
    "croaky": Voice("en-gb", "en-gb-x-rp", "croak", 25),
    "high": Voice("en-gb", "en-gb-x-rp", "zac", 60),
    "muffled": Voice("en-gb", "en-gb-x-rp", "steph", 40),
    "buzzing": Voice("de", "de", "klatt4", 65),
    "clear": Voice("de", "de", "Annie", 50),
    "light": Voice("es", "es", "m3", 95),
    "warm": Voice("es", "es", "belinda", 50),
}

WORDS = {
    "apple": {"en": "apple", "de": "Apfel", "es": "manzana"},
    "bicycle": {"en": "bicycle", "de": "Fahrrad", "es": "bicicleta"},
    "butterfly": {"en": "butterfly", "de": "Schmetterling", "es": "mariposa"},
    "coffee": {"en": "coffee", "de": "Kaffee", "es": "café"},
    "elephant": {"en": "elephant", "de": "Elefant", "es": "elefante"},
    "garden": {"en": "garden", "de": "Garten", "es": "jardín"},
    "house": {"en": "house", "de": "Haus", "es": "casa"},
    "music": {"en": "music", "de": "Musik", "es": "música"},
    "seven": {"en": "seven", "de": "sieben", "es": "siete"},
    "umbrella": {"en": "umbrella", "de": "Regenschirm", "es": "paraguas"},
    "water": {"en": "water", "de": "Wasser", "es": "agua"},
    "window": {"en": "window", "de": "Fenster", "es": "ventana"},
}


def say(text: str, voice: Voice, words_per_minute: int) -> Samples:
    """The text in this voice, at 24 kHz."""
    options = ["-v", f"{voice.speaker}+{voice.variant}", "-p", str(voice.pitch), "-s", str(words_per_minute)]
    # "-b 1" says UTF-8; otherwise what "é" is would depend on the locale of the machine.
    command = ["espeak-ng", *options, "-b", "1", "--stdin", "--stdout"]
    spoken = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    return resample_poly(np.frombuffer(frames, "<i2") / 32768, RATE, rate)


def main() -> None:
    """Make all clips and their table anew."""
    empty_clips(HERE / "clips")
    rows = []
    for word, translations in WORDS.items():
        for name, voice in VOICES.items():
            for speed, words_per_minute in SPEEDS.items():
                spoken, file = translations[voice.words], f"clips/{word}-{name}-{speed}.opus"
                write_opus(HERE / file, level(trim(say(spoken, voice, words_per_minute))), BIT_RATE)
                about = {"voice": name, "speed": speed, "language": voice.language}
                rows.append({"file": file, "word": word, "spoken": spoken} | about)
    write_table(HERE / "clips.csv", rows)
    size = sum((HERE / row["file"]).stat().st_size for row in rows)
    print(f"{len(rows)} clips, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
