from __future__ import annotations

from robotd.emotion import EMOTIONS
from robotd.music.journey import Plan, Point, plan
from robotd.music.reasons import why
from robotd.music.relevance import Parts
from robotd.music.selection import Pick

CALM, SAD = Point(0.6, -0.5), Point(-0.6, -0.4)
STAY = plan(CALM, "stay", 3, 0.4)


def pick(place: Point, liking: float | None = None, *, tried: bool = False) -> Pick:
    return Pick(row=0, place=place, score=0.9, liking=liking, tried=tried, expected=place)


def said(way: Plan, place: Point, feeling: float = 0.99) -> str:
    return why(pick(place), way, Parts(feeling))


def test_the_reason_names_the_mood_and_what_is_shared() -> None:
    shared = [("rains", "rain", 0.4), ("home", "home", 0.3), ("rains", "sea", 0.2)]
    assert why(pick(CALM), STAY, Parts(0.99, keywords=0.7), shared) == (
        "close to your calm, low-energy mood; shares 'rain' and 'home' with what you said"
    )


def test_a_pair_of_words_shares_the_one_that_is_common() -> None:
    assert "shares 'home' with" in why(pick(CALM), STAY, Parts(0.99), [("miss home", "going home", 0.5)])


def test_a_word_that_is_only_alike_is_told_as_such() -> None:
    assert why(pick(CALM), STAY, Parts(0.5), [("rain", "storm", 0.3)]) == (
        "rather far from your calm, low-energy mood; speaks of 'storm', like your 'rain'"
    )


def test_words_that_merely_begin_alike_are_not_the_same() -> None:
    assert "shares" not in why(pick(CALM), STAY, Parts(0.9), [("star", "start", 0.3)])


def test_a_chance_likeness_is_not_worth_a_word() -> None:
    assert why(pick(CALM), STAY, Parts(0.99), [("rain", "tea", 0.05)]) == "close to your calm, low-energy mood"


def test_lyrics_of_the_same_emotion_are_named() -> None:
    sad = tuple(1.0 if emotion.value == "sad" else 0.0 for emotion in EMOTIONS)
    assert "its lyrics are sad like your words" in why(pick(SAD), STAY, Parts(0.9, lyrics=0.9), (), (sad, sad))
    assert "lyrics" not in why(pick(SAD), STAY, Parts(0.9, lyrics=0.3), (), (sad, sad))
    mixed = tuple({"sad": 0.45, "calm": 0.55}.get(emotion.value, 0.0) for emotion in EMOTIONS)
    assert "lyrics" not in why(pick(SAD), STAY, Parts(0.9, lyrics=0.9), (), (sad, mixed))


def test_a_journey_tells_where_it_is_and_where_it_goes() -> None:
    way = plan(SAD, "uplift", 6, 0.4)
    assert said(way, way.steps[0]) == "close to your sad, low-energy mood"
    assert said(way, Point(-0.4, -0.3)) == "close to your sad, low-energy mood, a step towards a happy, lively one"
    assert said(way, Point(0.3, -0.2)) == (
        "close to calm, low-energy, a step from your sad, low-energy mood towards a happy, lively one"
    )
    assert said(way, Point(0.5, 0.4), 0.85) == "not far from the happy, lively mood that we are heading for"
    assert "even" in said(way, Point(0.05, -0.05))


def test_liking_is_told_and_a_try_is_admitted() -> None:
    assert why(pick(CALM, 0.6), STAY, Parts(0.99)).endswith("of a kind that you like")
    assert why(pick(CALM, 0.6, tried=True), STAY, Parts(0.99)).endswith("to learn whether you like such songs")
    assert why(pick(CALM, 0.1), STAY, Parts(0.99)) == "close to your calm, low-energy mood"
