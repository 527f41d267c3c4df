from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mido import Message, MidiFile, MidiTrack

from robotd.config import Runtime
from robotd.emotion import Quadrant
from robotd.errors import MediaError, ModelError
from robotd.perceive.features import score, symbolic
from robotd.perceive.manifest import load_manifest
from robotd.perceive.score import ScoreReader, ScoreReading


def tune(path: Path, pitches: list[int], velocity: int, ticks: int, times: int) -> Path:
    track = MidiTrack()
    for pitch in pitches * times:
        track += [Message("note_on", note=pitch, velocity=velocity), Message("note_off", note=pitch, time=ticks)]
    midi = MidiFile(ticks_per_beat=480)
    midi.tracks.append(track)
    midi.save(path)
    return path


@pytest.fixture(scope="module", params=["judge", "judge_notes"])
def reader(request: pytest.FixtureRequest) -> ScoreReader:
    return ScoreReader(request.param, load_manifest(), Runtime())


def test_fast_and_loud_is_more_excited_than_slow_and_soft(tmp_path: Path, reader: ScoreReader) -> None:
    lively = reader.read(tune(tmp_path / "lively.mid", [60, 64, 67, 72, 76, 79], 100, 80, 60))
    quiet = reader.read(tune(tmp_path / "quiet.mid", [57, 60, 64, 69], 40, 960, 8))
    assert lively.arousal > 0.3
    assert quiet.arousal < -0.3
    assert sum(lively.probabilities) == pytest.approx(1.0)
    assert tuple(lively.features) == {"judge": score.NAMES, "judge_notes": symbolic.NAMES}[reader.model]


def test_a_long_piece_is_read_like_its_parts(tmp_path: Path, reader: ScoreReader) -> None:
    short = reader.read(tune(tmp_path / "short.mid", [60, 64, 67, 72], 80, 480, 30))
    long = reader.read(tune(tmp_path / "long.mid", [60, 64, 67, 72], 80, 480, 120))
    assert long.probabilities == pytest.approx(short.probabilities, abs=0.02)


def test_valence_and_arousal_are_differences_of_halves() -> None:
    reading = ScoreReading((0.1, 0.2, 0.3, 0.4), {})
    assert reading.label is Quadrant.Q4
    assert reading.valence == pytest.approx(0.0)
    assert reading.arousal == pytest.approx(-0.4)


def test_what_is_no_midi_is_told(tmp_path: Path, reader: ScoreReader) -> None:
    (tmp_path / "bad.mid").write_text("la la la")
    with pytest.raises(MediaError, match=r"bad\.mid"):
        reader.read(tmp_path / "bad.mid")


def test_a_model_of_other_features_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robotd.perceive.score._FEATURES", {(1, 44): (score.NAMES, score.score_features)})
    with pytest.raises(ModelError, match=r"judge: a score model takes \[1, 44\]"):
        ScoreReader("judge", load_manifest(), Runtime())


def test_a_model_of_other_classes_is_refused() -> None:
    manifest = load_manifest()
    entry = manifest.models["judge"].model_copy(update={"labels": ("Q4", "Q3", "Q2", "Q1")})
    with pytest.raises(ModelError, match="must have the labels Q1, Q2, Q3, Q4"):
        ScoreReader("judge", replace(manifest, models={"judge": entry}), Runtime())
