from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.convert.expose import EMBEDDING, expose  # noqa: E402 - after the check for torch
from export.errors import ExportError  # noqa: E402
from export.train import face_image, fusion, fusion_joint, voice_mel  # noqa: E402
from export.train.fusion import Head, Pairs, People, as_seen, as_tests, made_up_people  # noqa: E402
from export.verify import onnx_outputs, open_session  # noqa: E402
from robotd.emotion import EMOTIONS, Emotion  # noqa: E402
from robotd.paths import shipped  # noqa: E402

CALM, NEUTRAL = EMOTIONS.index(Emotion.CALM), EMOTIONS.index(Emotion.NEUTRAL)
MODELS = shipped("models_onnx")


SPEAKERS = [1, 2, 3, 4, 17, 18, 19, 20, 1001, 1039, 1040, 1050]


def crowd() -> People:
    """Return people whose faces and voices are numbers: a face is worth its emotion, a voice its speaker."""
    labels = np.tile(np.arange(8), len(SPEAKERS))
    speakers = np.repeat(SPEAKERS, 8)
    seen = np.array([as_seen(label) for label in range(8)])
    mels = [np.full((1, 128), speaker, np.float16) for speaker in speakers]
    faces = np.zeros((8, 48, 48), np.uint8)
    return People(faces, seen, faces, seen, [mels, mels], mels, labels, speakers, speakers > 1_000)


def pairs(people: People) -> Pairs:
    """Return pairs whose inputs are the emotion of the face and the speaker of the voice."""
    faces = [float(label) for label in people.face_labels]
    voices = [float(mel[0, 0]) for version in people.versions for mel in version]
    return Pairs(
        people,
        faces,
        voices,
        lambda some, others, _: np.stack([some, others], axis=1).astype(np.float32),
        20,
        64,
        as_tests(people, np.zeros((len(people.meet()[0]), 2), np.float32)),
        voice_mel.TEST_ACTORS,
    )


def drawn(of: Pairs) -> tuple[NDArray[Any], NDArray[Any]]:
    batches = list(of.batches(np.random.default_rng(0)))
    inputs, targets = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return inputs, targets.argmax(axis=1)


def test_all_emotions_are_drawn_alike_and_a_calm_voice_has_a_neutral_face() -> None:
    inputs, labels = drawn(pairs(crowd()))
    assert (np.bincount(labels) == len(labels) // 8).all()
    np.testing.assert_array_equal(inputs[:, 0], [as_seen(label) for label in labels])
    assert (inputs[labels == CALM, 0] == NEUTRAL).all()


def test_a_part_of_the_voices_comes_from_afar() -> None:
    inputs, _ = drawn(pairs(crowd()))
    assert (inputs[:, 1] > 1_000).mean() == pytest.approx(0.2, abs=0.05)


def test_who_tests_is_never_learned_from() -> None:
    inputs, _ = drawn(pairs(crowd()))
    assert set(np.unique(inputs[:, 1])) == {1, 2, 3, 4, 1001, 1039}


def test_people_meet_others_of_their_emotion_and_the_same_ones_every_time() -> None:
    people = crowd()
    voices, faces = people.meet()
    assert set(people.speakers[voices]) == {17, 18, 19, 20, 1040, 1050}
    np.testing.assert_array_equal(people.shown_labels[faces], [as_seen(label) for label in people.voice_labels[voices]])
    np.testing.assert_array_equal(people.meet()[1], faces)


def test_calm_and_afar_are_tests_of_their_own() -> None:
    tests = pairs(crowd()).tests
    assert set(tests["pairs"].truth.tolist()) == set(range(8))
    assert CALM not in tests["pairs_without_calm"].truth
    groups = tests["pairs_far"].groups
    assert groups is not None
    assert groups.min() > 1_000


def test_figures_come_from_a_net_that_had_not_heard_who_tests() -> None:
    people = crowd()
    count = len(people.meet()[0])
    tests = as_tests(people, np.zeros((count, 2), np.float32), unseen=np.ones((count, 8), np.float32))
    unseen = tests["pairs"].unseen
    assert unseen is not None
    assert len(unseen) == len(tests["pairs"])
    # Nobody's net has heard those from afar who test.
    assert tests["pairs_far"].unseen is None


def test_without_such_a_net_there_are_no_figures(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="train voice_mel first"):
        fusion_joint.measured(fusion_joint.RECIPE, pairs(crowd()), tmp_path)


def test_the_head_standardises_by_itself() -> None:
    torch.manual_seed(0)
    head = Head(3, 4)
    rng = np.random.default_rng(0)
    inputs = torch.tensor(rng.normal(5.0, 20.0, (4096, 7)), dtype=torch.float32)
    head.train()
    for _ in range(60):
        head(inputs)
    head.eval()
    face = head.norms[0](inputs[:, :3])
    assert face.mean().abs() < 0.05
    assert face.std() == pytest.approx(1.0, abs=0.05)


def test_a_row_too_short_is_filled_with_silence() -> None:
    data = replace(pairs(crowd()), tests=as_tests(crowd(), np.zeros((len(crowd().meet()[0]), 9), np.float32)))
    assert data.calibration.shape[1] == 9
    assert not data.calibration[:, 2:].any()


def test_joint_begins_with_what_the_shipped_models_see(tmp_path: Path) -> None:
    net = fusion_joint.Joint()
    fusion_joint.start_from(net.face, MODELS / "face_image.onnx")
    fusion_joint.start_from(net.voice, MODELS / "voice_mel.onnx")
    people = made_up_people()
    mels = fusion.padded(people.heard[:8], 251)
    rows = np.concatenate([face_image.tensors(people.shown[:8]).reshape(8, -1), mels.reshape(8, -1)], 1)
    with torch.inference_mode():
        begun = net.eval().embeddings(torch.from_numpy(rows)).numpy()
    faces = rows[:, : 48 * 48].reshape(8, 1, 48, 48)
    for name, inputs, part in (("face_image", faces, begun[:, :128]), ("voice_mel", mels, begun[:, 128:])):
        copy = tmp_path / f"{name}.onnx"
        copy.write_bytes((MODELS / f"{name}.onnx").read_bytes())
        expose(copy)
        seen = onnx_outputs(open_session(copy), inputs)[EMBEDDING]
        assert np.corrcoef(seen.ravel(), part.ravel())[0, 1] > 0.98, name


def test_weights_of_another_net_are_refused() -> None:
    net = fusion_joint.Joint()
    with pytest.raises(ExportError, match="is not the net that its recipe makes now"):
        fusion_joint.start_from(net.voice, MODELS / "face_image.onnx")


def test_norms_of_the_trunks_never_learn() -> None:
    net = fusion_joint.Joint().train()
    norms = [module for module in net.face.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert net.head.training
