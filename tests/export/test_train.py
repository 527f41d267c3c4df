"""The whole chain of a recipe on made-up data: train, convert, quantise, verify, describe."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from export.recipe import Batch, Data

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")

from typer.testing import CliRunner  # noqa: E402 - after the check for torch

from export.__main__ import app  # noqa: E402
from export.recipes import NAMES, recipe_named  # noqa: E402
from export.sequence import step_logits  # noqa: E402
from export.train.loop import best_weights, outputs, train  # noqa: E402
from export.verify import onnx_outputs, open_session  # noqa: E402


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_recipe_makes_a_model_that_runs(name: str, tmp_path: Path) -> None:
    arguments = [name, "--quick", "--out", str(tmp_path / "models"), "--checkpoints", str(tmp_path / "state")]
    result = CliRunner().invoke(app, ["train", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output

    recipe = recipe_named(name)
    described = yaml.safe_load((tmp_path / "models" / "manifest.yaml").read_text())["models"][name]
    file = tmp_path / "models" / described["file"]
    assert described["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert described["labels"] == list(recipe.labels)
    assert (tmp_path / "models" / f"{name}.md").read_text().startswith(f"# {name}\n")
    picture = {"classes": "confusion", "ratings": "ratings", "sequence": "events"}[recipe.kind]
    assert (tmp_path / "models" / f"{name}_{picture}.png").stat().st_size > 1000

    session = open_session(file)
    taken, *states = session.get_inputs()
    batch = ["n"] if recipe.kind == "sequence" else [recipe.input_shape[0]]
    assert (taken.name, taken.shape) == (described["input"]["name"], [*batch, *recipe.input_shape[1:]])
    assert {one.name: tuple(one.shape[1:]) for one in states} == dict(recipe.states)
    assert [output.name for output in session.get_outputs()] == list(recipe.shipped_outputs)

    data = recipe.generate()
    inputs = data.calibration[:16]
    if recipe.fit is None:
        net = recipe.net()
        net.load_state_dict(best_weights(tmp_path / "state" / f"{name}.pt"))
    else:
        net = recipe.fit(data)
    fine = outputs(net.eval(), inputs)
    if recipe.kind == "sequence":  # of a whole sequence the net gives no states
        outputs_of, shipped = ["logits"], {"logits": step_logits(session, inputs)}
    else:
        outputs_of, shipped = list(recipe.net_outputs), onnx_outputs(session, inputs)
    for values, output in zip(fine, outputs_of, strict=True):
        assert np.abs(values - shipped[output]).max() < 0.25 * max(1.0, float(np.abs(values).max())), output


def test_an_interrupted_training_goes_on_where_it_was(tmp_path: Path) -> None:
    recipe = recipe_named("face_image")
    recipe = replace(recipe, schedule=replace(recipe.schedule, epochs=2, ema_decay=0.5, bfloat16=False))

    class Interrupted(Exception):  # noqa: N818 - it stands for a pulled plug
        pass

    class Plug:
        """Data that stops once in the second epoch."""

        def __init__(self) -> None:
            self.data: Data = recipe.generate()
            self.steps, self.tests, self.calibration = self.data.steps, self.data.tests, self.data.calibration
            self.epochs = 0

        def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
            self.epochs += 1
            if self.epochs == 2:
                raise Interrupted
            return self.data.batches(rng)

    plug = Plug()
    with pytest.raises(Interrupted):
        train(recipe, plug, tmp_path / "cut.pt")
    resumed = train(recipe, plug, tmp_path / "cut.pt")
    straight = train(recipe, recipe.generate(), tmp_path / "straight.pt")
    for name, weights in straight.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], weights, rtol=1e-4, atol=1e-5)


def test_training_stops_when_it_no_longer_gets_better(tmp_path: Path) -> None:
    recipe = recipe_named("face_image")
    schedule = replace(recipe.schedule, epochs=30, patience=1, learning_rate=0.0, ema_decay=0.5, bfloat16=False)
    train(replace(recipe, schedule=schedule), recipe.generate(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["epoch"] == state["best_epoch"] + 2
    assert state["epoch"] < 30


def test_an_unknown_model_is_told_in_one_line() -> None:
    result = CliRunner().invoke(app, ["train", "face_imag", "--quick"])
    assert result.exit_code == 2
    assert "there is no recipe 'face_imag'" in result.output
