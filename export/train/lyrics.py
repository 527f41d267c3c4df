"""Lyrics model: what a song's words say, from its lyrics or their keywords."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import EMOTIONS, Emotion
from robotd.perceive.features.tokens import LENGTH, Encoder, tokens

from ..data.texts import read_lyrics, read_tags, read_texts
from ..recipe import Examples, Recipe, Schedule, View
from . import minilm
from .house import LABELS, house_targets
from .text import (
    BATCH,
    Source,
    TextData,
    TextNet,
    begin,
    counted,
    first_vectors,
    heads_loss,
    numbers_of,
    padded_rows,
    vocabulary_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..data.texts import Lyrics, Texts

MOODS = ("sadness", "tenderness", "tension")
#: The nine factors of the Geneva Emotional Music Scale (Zentner et al. 2008, Emotion 8(4)), and what each is in the
#: house. Two: half of each.
GEMS: dict[str, tuple[Emotion, ...]] = {
    "amazement": (Emotion.HAPPY, Emotion.SURPRISED),
    "calmness": (Emotion.CALM,),
    "joyful activation": (Emotion.HAPPY,),
    "nostalgia": (Emotion.SAD, Emotion.CALM),
    "power": (Emotion.HAPPY,),
    "sadness": (Emotion.SAD,),
    "solemnity": (Emotion.CALM, Emotion.NEUTRAL),
    "tenderness": (Emotion.CALM, Emotion.HAPPY),
    "tension": (Emotion.ANGRY, Emotion.FEARFUL),
}
#: What the emotions of listeners' tags are here; anticipation and trust are none of ours.
_TAGS = {
    "anger": Emotion.ANGRY,
    "disgust": Emotion.DISGUST,
    "fear": Emotion.FEARFUL,
    "joy": Emotion.HAPPY,
    "sadness": Emotion.SAD,
    "surprise": Emotion.SURPRISED,
}
HEADS = {"house": len(LABELS), "moods": len(MOODS), "ratings": 2, "gems": len(GEMS)}
GIVEN = ("house", "moods", "ratings")
_PLACES = dict(zip(HEADS, np.cumsum([0, *HEADS.values()]).tolist(), strict=False))

#: Sets of running text, and how much of each an epoch shows.
_RUNNING = {"emotion6": 4_000, "isear": 2_000, "goemotions": 6_000}
_RATED = {"emobank": 4_000, "warriner": 6_000}
#: A song's keywords come so often, in another order and not all of them: their alphabetical order says nothing.
_VERSIONS, _AT_LEAST = 12, 12
#: Of the artists, one in so many is held out.
_HELD_OUT = 5
#: How often a word of the running texts must come to be known, and how far from neutral a rated one is.
_OFTEN, _STRONG = 12, 0.25
#: Pieces inside of words.
_INNER = 600
VOCABULARY = 9_500
WIDTH, HIDDEN, DROPOUT = 48, 40, 0.4
_MINILM = Path(".cache/minilm")


def read(data: Path) -> TextData:
    """Read keywords, rated words and sentences, tags, and texts with emotions.

    Raises:
        FileNotFoundError: a set or MiniLM is not there.
    """
    songs = read_lyrics(data)
    held = _held_out(songs)
    learned = [song for song, out in zip(songs, held, strict=True) if not out]
    running = [read_texts(data, name) for name in _RUNNING]
    rated = [read_texts(data, name) for name in _RATED]
    pretrained = minilm.load(_MINILM)
    words, counts = _words(learned, running, rated[1], frozenset(pretrained.pieces))
    vocabulary = vocabulary_of(words, pretrained, _INNER)
    encoder = Encoder(vocabulary)
    keywords, of_keywords = _versions(learned)
    sources = [Source(numbers_of(encoder, keywords), of_keywords, len(learned) * 2)]
    shown = _RUNNING | _RATED
    sources += [_source(encoder, one.texts, _of_texts(one), shown[one.name]) for one in (*running, *rated)]
    tags = {tag: _of_tag(emotions) for tag, emotions in read_tags(data).items()}
    sources.append(_source(encoder, tuple(tags), np.stack(list(tags.values())), len(tags)))
    tests = _tests([song for song, out in zip(songs, held, strict=True) if out], encoder)
    return TextData(vocabulary, first_vectors(vocabulary, counts, pretrained, WIDTH), sources, tests)


def _held_out(songs: Sequence[Lyrics]) -> NDArray[np.bool_]:
    artists = np.unique([song.artist for song in songs])
    chosen = artists[np.random.default_rng(3).permutation(len(artists)) % _HELD_OUT == 0]
    return np.isin([song.artist for song in songs], chosen)


def _words(
    songs: Sequence[Lyrics], running: Sequence[Texts], rated: Texts, known: frozenset[str]
) -> tuple[list[str], Mapping[str, int]]:
    """Return the words that get a number, and how often each comes."""
    counts = counted([text for texts in running for text in texts.texts])
    of_songs = counted([song.keywords for song in songs])
    words = {word for word, count in counts.items() if count >= _OFTEN}
    words |= {word for word, count in of_songs.items() if word in known or count > 1}
    words |= {
        word
        for word, (valence, *_) in zip(rated.texts, rated.targets.tolist(), strict=True)
        if word in known and word.isalpha() and abs(valence) > _STRONG
    }
    return sorted(words), counts + of_songs


def _versions(songs: Sequence[Lyrics]) -> tuple[list[str], NDArray[np.float32]]:
    """Return the keywords of songs in several orders, some left out, with their targets."""
    rng = np.random.default_rng(0)
    texts, targets = [], []
    for song in songs:
        words = np.array(song.keywords.split())
        for _ in range(_VERSIONS):
            count = rng.integers(min(_AT_LEAST, len(words)), len(words) + 1)
            texts.append(" ".join(rng.permutation(words)[:count]))
            targets.append(_of_song(song))
    return texts, np.stack(targets)


def _unknown() -> NDArray[np.float32]:
    return np.full(sum(HEADS.values()), np.nan, np.float32)


def _put(target: NDArray[np.float32], head: str, values: NDArray[np.float32]) -> None:
    target[..., _PLACES[head] : _PLACES[head] + HEADS[head]] = values


def house_of(labels: Sequence[str]) -> NDArray[np.float32]:
    """Return [8] probabilities of our emotions for the GEMS labels of a song, each counting alike."""
    house = np.zeros(len(LABELS), np.float32)
    for label in labels:
        for emotion in GEMS[label]:
            house[EMOTIONS.index(emotion)] += 1.0 / len(GEMS[label]) / len(labels)
    return house


def _of_song(song: Lyrics) -> NDArray[np.float32]:
    target = _unknown()
    shares = [(label in song.labels) / len(song.labels) for label in GEMS]
    _put(target, "house", house_of(song.labels))
    _put(target, "moods", np.eye(len(MOODS), dtype=np.float32)[MOODS.index(song.label)])
    _put(target, "gems", np.array(shares, np.float32))
    return target


def _of_tag(emotions: Mapping[str, float]) -> NDArray[np.float32]:
    target = _unknown()
    house = np.zeros(len(LABELS), np.float32)
    for name, emotion in _TAGS.items():
        house[EMOTIONS.index(emotion)] = emotions[name]
    if house.any():
        _put(target, "house", house / house.sum())
    return target


def _of_texts(texts: Texts) -> NDArray[np.float32]:
    targets = np.tile(_unknown(), (len(texts), 1))
    if texts.name in _RATED:
        _put(targets, "ratings", texts.targets[:, :2])
    else:
        _put(targets, "house", house_targets(texts))
    return targets


def _source(encoder: Encoder, texts: Sequence[str], targets: NDArray[np.float32], an_epoch: int) -> Source:
    readable = np.array([bool(tokens(text)) for text in texts]) & ~np.isnan(targets).all(axis=1)
    chosen = [text for text, one in zip(texts, readable, strict=True) if one]
    return Source(numbers_of(encoder, chosen), targets[readable], an_epoch)


def _tests(songs: Sequence[Lyrics], encoder: Encoder) -> dict[str, Examples]:
    """Return songs of artists that are not trained on; the house is asked about those whose labels are clear."""
    inputs = padded_rows(numbers_of(encoder, [song.keywords for song in songs]), LENGTH)
    artists = np.unique([song.artist for song in songs], return_inverse=True)[1].astype(np.int64)
    houses = np.stack([house_of(song.labels) for song in songs])
    first, second = np.sort(houses, axis=1)[:, :-3:-1].T
    clear = first > second
    moods = np.array([MOODS.index(song.label) for song in songs])
    return {
        "house_other_artists": Examples(inputs[clear], houses[clear].argmax(axis=1), artists[clear]),
        "moods_other_artists": Examples(inputs, moods, artists, output="moods"),
    }


def generate() -> TextData:
    """Make up keywords: some words stand for a mood."""
    rng = np.random.default_rng(0)
    marks = (("tears", "grave"), ("kiss", "gentle"), ("knife", "scream"))
    fillers = ("road", "night", "town", "summer", "river", "window", "radio", "engine")
    vocabulary = vocabulary_of([*fillers, *(word for words in marks for word in words)])
    encoder = Encoder(vocabulary)
    labels = np.arange(4 * BATCH) % len(MOODS)
    texts = [" ".join(rng.permutation([*marks[label], *rng.choice(fillers, 6)])) for label in labels]
    targets = np.tile(_unknown(), (len(texts), 1))
    houses = np.stack([house_of((MOODS[label],)) for label in labels])
    _put(targets, "house", houses)
    _put(targets, "moods", np.eye(len(MOODS), dtype=np.float32)[labels])
    numbers = numbers_of(encoder, texts)
    inputs = padded_rows(numbers[:BATCH], LENGTH)
    tests = {
        "generated_house": Examples(inputs, houses[:BATCH].argmax(axis=1)),
        "generated_moods": Examples(inputs, labels[:BATCH], output="moods"),
    }
    vectors = rng.normal(0.0, 0.3, (len(vocabulary), WIDTH)).astype(np.float32)
    return TextData(vocabulary, vectors, [Source(numbers, targets, len(texts))], tests)


CARD = {
    "Architecture": (
        "As `words`, smaller: an embedding of 48 with masking, two bidirectional LSTMs of 40 units each way, dropout "
        "0.4, attention and peak over the words, a dense layer of 80. Three outputs: `house`, our eight emotions; "
        "`moods` (the manifest's `lyrics_moods`), sadness, tenderness or tension; `ratings`, valence and arousal. "
        "Weights are int8, activations are quantised as they come."
    ),
    "Training": (
        "Of no song the lyrics themselves were at hand. What is learned: the 25 most marking words of 1,160 songs with "
        "the emotions of the Geneva Emotional Music Scale that their lyrics are tagged with, each song in twelve "
        "orders with up to half of its words left out; running text with emotions (emotion6, isear, goemotions), as "
        "for `words`; listeners' tags with emotions; Warriner's words and EmoBank's sentences with valence and "
        "arousal. In the house's head tension is half angry and half fearful, tenderness half calm and half happy, "
        "nostalgia half sad and half calm, solemnity half calm and half neutral, amazement half happy and half "
        "surprised, power and joyful activation are happy. A tenth of the words is hidden. AdamW, cosine, moving "
        "average of the weights, six epochs that nothing chose. The embedding begins with principal components of "
        "what all-MiniLM-L6-v2 (Apache-2.0) makes of each word; its inner word pieces are used too."
    ),
    "Split": (
        "By artist: one in five of the 95 artists is held out (241 songs) and has chosen nothing but the temperatures. "
        "`house` is asked about songs whose labels point to one emotion more than to any other. Intervals are drawn by "
        "artist."
    ),
    "Limits": (
        "Keywords tell little of a song's mood: to name the most frequent of the three moods always is right in 0.527 "
        "of the held-out songs; a linear model on word counts reaches 0.54 (macro F1 0.39), one on MiniLM's vectors "
        "0.51 (five folds by artist: 0.54 to 0.57, F1 0.51 to 0.52), this model 0.515 (F1 0.47). So `moods` is a weak "
        "hint. The emotions and ratings lean on plain words of feeling, which running lyrics have more of than "
        "keywords; that was not measured, for want of lyrics. Against valence and arousal from Deezer's listeners "
        "(160 songs of the keyword set, of which 127 were trained on, with other labels), which judge the whole music, "
        "`ratings` reach r 0.29 and 0.15, and the circumplex of `house` 0.27 and 0.23; on the 33 songs of unseen "
        "artists valence shows no correlation (-0.07), arousal 0.21. Only English. A lyric of more than 64 tokens is "
        "read in equal windows, whose probabilities are averaged."
    ),
    "Intended use": (
        "To tag songs by their lyrics and to compare them with what a person says (`words`). The keywords have no "
        "stated licence and some of the texts are for research only; so are these weights."
    ),
}

RECIPE = Recipe(
    name="lyrics",
    task="words",
    title="What a song's words say, from its lyrics or their keywords: eight emotions, three moods, two ratings",
    labels=LABELS,
    input_name="tokens",
    input_shape=(1, LENGTH),
    input_meaning=f"numbers of at most {LENGTH} pieces of the vocabulary, padded with 0 at the end",
    data_name=(
        "keywords of 1,160 songs' lyrics with GEMS labels, PlayMood's 957 tags, Warriner's words, EmoBank, emotion6, "
        "ISEAR, GoEmotions; embeddings from all-MiniLM-L6-v2"
    ),
    licence=(
        "keywords and tags: none stated, research; Warriner CC BY-NC-ND 3.0; EmoBank CC BY-SA 4.0; GoEmotions CC BY "
        "4.0; emotion6 and ISEAR: research; MiniLM Apache-2.0"
    ),
    card=CARD,
    net=partial(TextNet, HEADS, GIVEN, words=VOCABULARY, width=WIDTH, hidden=HIDDEN, dropout=DROPOUT),
    read=read,
    generate=generate,
    schedule=Schedule(
        epochs=6, learning_rate=4e-3, warmup=0.05, weight_decay=0.01, ema_decay=0.99, choose=False, bfloat16=True
    ),
    outputs={
        "house": "logits of our eight emotions: divide by the temperature, then softmax",
        "moods": f"logits of {', '.join(MOODS)}",
        "ratings": "valence and arousal, -1..1",
    },
    views=(View("lyrics_moods", "moods", MOODS),),
    input_dtype="int64",
    loss=heads_loss(HEADS, ("ratings",)),
    start=begin,
    dynamic=True,
    vocabulary=lambda data: data.vocabulary,
)
