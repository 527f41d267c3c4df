"""All data sets that can be looked for, and which recipe can't do without which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import sets_faces, sets_music, sets_speech, sets_text

if TYPE_CHECKING:
    from .check import DataSet

SETS: dict[str, DataSet] = {
    one.name: one for one in (*sets_speech.SETS, *sets_faces.SETS, *sets_music.SETS, *sets_text.SETS)
}

_FACES = ("FER-2013", "FER+")
_SPEECH = ("RAVDESS", "CREMA-D")
_SONGS = ("Soundtracks", "perceptual100", "musifeast17", "grekow324", "emotify", "DEAM")
_PIANO = ("EMOPIA", "VGMIDI")
NEEDS: dict[str, tuple[str, ...]] = {
    "face_image": _FACES,
    "face_image_fer2013": _FACES,
    "face_landmarks": _FACES,
    "voice_mel": _SPEECH,
    "voice_features": ("RAVDESS",),
    "voice_prosody": ("RAVDESS",),
    "fusion_mid": (*_FACES, *_SPEECH),
    "fusion_joint": (*_FACES, *_SPEECH),
    "words": ("texts",),
    "lyrics": ("lexicon", "texts"),
    "song_va": _SONGS,
    "song_midlevel": _SONGS,
    "song_gems": _SONGS,
    "judge": _PIANO,
    "judge_notes": _PIANO,
    **{
        f"{net}{quadrant}": ("POP909", *_PIANO)
        for net in ("melody_rnn", "polyphony_rnn")
        for quadrant in ("", "_q1", "_q2", "_q3", "_q4")
    },
}
