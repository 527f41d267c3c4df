"""The polyphony recipes: what they learn from, and a step of the net against whole sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.recipes import recipe_named  # noqa: E402 - after the check for torch
from export.sequence import bits  # noqa: E402
from export.train.loop import logits, train  # noqa: E402
from export.train.polyphony_rnn import LENGTH, RECIPES, Net, generate, label_of, polyphonies  # noqa: E402
from robotd.music.compose.polyphony_encoding import (  # noqa: E402
    EVENTS,
    FEATURES,
    START,
    STEP_END,
    ages,
    legal,
    lessons,
    looks,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_there_is_one_for_any_feeling_and_one_a_quadrant() -> None:
    assert list(RECIPES) == ["polyphony_rnn", *(f"polyphony_rnn_q{n}" for n in (1, 2, 3, 4))]
    for name, recipe in RECIPES.items():
        assert recipe_named(name) is recipe
        assert recipe.task == "polyphony"
    conditioned = RECIPES["polyphony_rnn"]
    assert all(RECIPES[f"polyphony_rnn_q{n}"].base is conditioned for n in (1, 2, 3, 4))
    assert conditioned.base is not None
    assert conditioned.base.base is None


def test_events_have_names() -> None:
    labels = [label_of(event) for event in range(EVENTS)]
    assert labels[:3] == ["start", "step_end", "new_21"]
    assert labels[-1] == "continued_108"
    assert len(set(labels)) == EVENTS


def test_a_step_is_what_whole_sequences_are() -> None:
    torch.manual_seed(0)
    net = Net().eval()
    told = (torch.rand(3, 20, FEATURES) < 0.1).float()
    with torch.inference_mode():
        whole = net(told)
        states = [torch.zeros(3, *shape) for shape in net.states.values()]
        for place in range(told.shape[1]):
            logits_now, *states = net.step(told[:, place], *states)
            assert torch.allclose(logits_now, whole[:, place], atol=1e-5)


def test_an_event_that_cannot_come_is_improbable_to_an_untrained_net() -> None:
    data = generate()
    piece = data.pieces[0]
    told, _ = piece.window(0, 60)
    with torch.inference_mode():
        shares = Net().eval()(torch.from_numpy(told)[None])[0].softmax(dim=1).numpy()
    rows = ages_of(piece)
    _, last, steps = lessons(rows)
    may = legal(looks(rows, steps), last)[:60]
    assert shares[~may].max() < 1e-9
    assert may[:, STEP_END].all()


def ages_of(piece: object) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    rows = piece.rows  # type: ignore[attr-defined]  # a Polyphony
    assert isinstance(rows, np.ndarray)
    return rows


def test_a_window_is_a_part_of_the_piece() -> None:
    (piece, *_) = generate().pieces
    told, events = piece.window(0, len(piece))
    part, some = piece.window(17, 60)
    assert np.array_equal(part, told[17:60])
    assert np.array_equal(some, events[17:60])
    assert START not in events
    assert (np.array(events) == STEP_END).sum() == 64


def test_a_quadrant_has_its_own_pieces_and_builds_on_all() -> None:
    every, sad = generate(), generate(2)
    assert 0 < len(sad.pieces) < len(every.pieces)
    assert all(piece.window(0, 1)[0][0, -4:].tolist() == pytest.approx([-0.6, -0.5, 1.0, 1.0]) for piece in sad.pieces)
    assert sad.base is not None
    assert len(sad.base.pieces) == len(every.pieces)
    assert sad.base.base is not None
    assert next(iter(sad.tests)) == "emopia_val_Q3"
    assert not sad.beside
    # What a base learns from says nothing of feelings.
    assert all(piece.window(0, 1)[0][0, -2] == 0 for piece in sad.base.base.pieces)


def test_pieces_that_are_nearly_empty_are_left_out() -> None:
    from export.train.polyphony_rnn import _made_up

    whole = _made_up(1)
    few = replace(whole, **{name: getattr(whole, name)[:3] for name in ("start", "end", "pitch", "velocity", "melody")})
    assert len(polyphonies([whole, few, whole])) == 2


def test_it_learns_the_made_up_chords(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    base, data = RECIPES["polyphony_rnn"].base, generate().base
    assert base is not None
    assert data is not None
    test = data.tests["pop909_val"]
    counted = test.truth >= 0
    before = bits(logits(base.net(), test.inputs), test.truth)[counted].mean()
    net = train(replace(base, schedule=replace(base.schedule, ema_decay=0.5)), data, tmp_path / "base.pt")
    after = bits(logits(net, test.inputs), test.truth)[counted].mean()
    assert after < 0.6 * before
    assert test.inputs.shape[1] <= LENGTH


def test_rows_are_small() -> None:
    (piece, *_) = generate().pieces
    assert ages_of(piece).dtype == ages((), 1).dtype == np.uint8
