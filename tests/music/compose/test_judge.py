from __future__ import annotations

import pytest

from robotd.config import Config
from robotd.emotion import Quadrant
from robotd.music.bar import Bar, Note
from robotd.music.compose.judge import Judge, Verdict, notes_of
from robotd.perceive.manifest import load_manifest
from robotd.perceive.score import ScoreReader


def bar(*notes: Note, tempo_bpm: float = 60.0) -> Bar:
    return Bar(0, notes, tempo_bpm, 0, "major", Quadrant.Q1)


def test_bars_are_heard_one_after_the_other_each_at_its_own_tempo_and_without_drums() -> None:
    notes = notes_of(
        [
            bar(Note(1, 2, 60, 70), Note(0, 1, 36, 90, "drums"), tempo_bpm=60),
            bar(Note(2, 1, 64, 80, "bass"), tempo_bpm=120),
        ]
    )
    assert notes.onset_s.tolist() == pytest.approx([1.0, 5.0])
    assert notes.length_s.tolist() == pytest.approx([2.0, 0.5])
    assert notes.pitch.tolist() == [60, 64]
    assert notes.velocity.tolist() == [70, 80]


def test_the_shipped_judge_hears_a_quadrant_in_bars_and_nothing_in_drums() -> None:
    config = Config()
    judge = Judge(ScoreReader("judge_notes", load_manifest(), config.runtime))
    loud = [bar(*(Note(beat / 2, 0.4, 40 + 7 * (beat % 3), 110) for beat in range(8)), tempo_bpm=150)] * 4
    heard = judge.hear(loud)
    assert heard is not None
    assert heard.quadrant in {Quadrant.Q1, Quadrant.Q2}
    assert sum(heard.probabilities) == pytest.approx(1)
    assert judge.hear([bar(Note(0, 1, 38, 90, "drums"))]) is None


def test_a_verdict_names_the_likeliest() -> None:
    verdict = Verdict((0.1, 0.2, 0.3, 0.4))
    assert verdict.quadrant is Quadrant.Q4
    assert verdict.probability(Quadrant.Q2) == pytest.approx(0.2)
    assert list(verdict.by_name) == ["Q1", "Q2", "Q3", "Q4"]
