from __future__ import annotations

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features.tokens import INSIDE, LENGTH, PAD, UNKNOWN, Encoder, padded, spelt, tokens

LETTERS = tuple(string.ascii_lowercase + string.digits)
VOCABULARY = (
    *(PAD, UNKNOWN, "!", "?", "…"),
    *LETTERS,
    *(INSIDE + letter for letter in LETTERS),
    *(
        "i",
        "am",
        "so",
        "happy",
        "cant",
        "dont",
        "##ness",
        "##ly",
        "crying",
        "face",
        "smile",
        "un",
        "##happi",
        "##happy",
    ),
)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(VOCABULARY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm HAPPY.", ["im", "happy"]),
        ("I can’t, I do n't!", ["i", "cant", "i", "dont", "!"]),
        ("so sad... really?", ["so", "sad", "…", "really", "?"]),
        ("café, naïve", ["cafe", "naive"]),
        ("at 10 or 20", ["at", "0", "or", "0"]),
        ("look: https://example.org/a?b now", ["look", "now"]),
        ("fine :) or :-(", ["fine", "smile", "or", "sad"]),
        ("snake_case", ["snake", "case"]),
        ("", []),
        (" \t\n", []),
        ("., ;-- ()", []),
    ],
)
def test_words_are_found(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_an_emoji_is_read_by_its_name() -> None:
    assert tokens("oh 😢😢") == ["oh", "crying", "face", "crying", "face"]
    assert tokens("I ❤️ you") == ["i", "heart", "you"]
    assert tokens("👍🏽") == ["thumbs", "up", "sign"]


def test_known_words_stay_whole_and_others_fall_apart(encoder: Encoder) -> None:
    assert encoder.pieces("happy") == ["happy"]
    assert encoder.pieces("happyness") == ["happy", "##ness"]
    assert encoder.pieces("unhappiness") == ["un", "##happi", "##ness"]


def test_drawn_out_words_are_known(encoder: Encoder) -> None:
    assert encoder.pieces("soooo haappppy") == ["so", *encoder.pieces("haappy")]
    assert encoder.pieces("happpppy") == ["happy"]


def test_what_no_piece_spells_is_unknown(encoder: Encoder) -> None:
    assert encoder.pieces("я рад") == [UNKNOWN, UNKNOWN]
    assert encoder.numbers("я") == [1]


def test_a_long_text_is_cut_into_equal_windows(encoder: Encoder) -> None:
    windows = encoder.windows("happy " * (LENGTH + 2))
    assert windows.shape == (2, LENGTH)
    assert np.count_nonzero(windows, axis=1).tolist() == [LENGTH // 2 + 1, LENGTH // 2 + 1]
    assert encoder.windows("!" * LENGTH).shape == (1, LENGTH)
    assert encoder.windows("").shape == (0, LENGTH)


def test_a_vocabulary_must_begin_with_padding() -> None:
    with pytest.raises(ValueError, match=r"begins with \[PAD\] and \[UNK\]"):
        Encoder(("happy", "sad"))


@given(st.text(max_size=300))
def test_any_text_can_be_encoded(text: str) -> None:
    encoder = Encoder(VOCABULARY)
    numbers = encoder.numbers(text)
    assert all(0 < number < len(VOCABULARY) for number in numbers)
    windows = encoder.windows(text)
    assert windows.dtype == np.int64
    assert np.concatenate([row[row != 0] for row in windows] or [np.zeros(0, int)]).tolist() == numbers


@given(st.text(string.ascii_lowercase, min_size=1, max_size=30))
def test_the_pieces_of_a_plain_word_spell_it(word: str) -> None:
    pieces = Encoder(VOCABULARY).pieces(word)
    if not any(a == b == c for a, b, c in zip(word, word[1:], word[2:], strict=False)):
        assert "".join(piece.removeprefix(INSIDE) for piece in pieces) == word


@given(st.text(string.ascii_letters + " '!?.,", max_size=120))
def test_case_and_spaces_do_not_matter(text: str) -> None:
    encoder = Encoder(VOCABULARY)
    assert encoder.numbers(text.upper()) == encoder.numbers(text.lower())
    assert encoder.numbers(f"  {text}\n") == encoder.numbers(text)


@given(st.text(max_size=100))
def test_spelling_twice_changes_no_word(text: str) -> None:
    assert tokens(spelt(text)) == tokens(text)


@given(st.lists(st.integers(1, 9), max_size=300), st.integers(1, 70))
def test_windows_hold_all_numbers_in_order_and_are_about_equal(numbers: list[int], length: int) -> None:
    windows = padded(numbers, length)
    assert len(windows) == -(-len(numbers) // length)
    assert [n for row in windows for n in row[row != 0].tolist()] == numbers
    if len(windows):
        counts = np.count_nonzero(windows, axis=1)
        assert counts.max() - counts.min() <= 1
        assert counts.max() <= length
