"""Polyphony models: the next event of piano music, conditioned on a feeling, and one net for each quadrant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import linear

from robotd.music.bar import LOWEST_PITCH
from robotd.music.compose.grid import STEPS_PER_BAR, GridNote
from robotd.music.compose.polyphony_encoding import (
    CONTINUED,
    EVENTS,
    FEATURES,
    LEGAL,
    NEW,
    PITCHES,
    START,
    ages,
    features,
    lessons,
    looks,
)

from ..data.emopia import QUADRANTS
from ..data.grids import Grid, read_grids
from ..recipe import Recipe, Schedule
from .scores import Sequences, condition_of, examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Examples

#: Events of a window, which is some seven bars; windows of a batch; events that a test piece is measured on.
LENGTH, BATCH, MOST = 512, 24, 512
EMBEDDED, WIDTH, MIDDLE = 128, 256, 256
#: Windows of POP909 beside those of music with a label, as a share of these.
BESIDE = 0.5
#: An event that can't come is told to be improbable by so much, in nats.
_IMPROBABLE = 30.0
_GATES = 4
#: A piece with fewer events teaches nothing.
_LEAST_EVENTS = 64
#: Of made-up pieces, from where on the melody lies.
_TOP = 72


class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """An LSTM over an embedding of the features, and a perceptron that tells the next event from both.

    What the encoding's rules forbid, which the features tell, is told to be improbable, so that nothing has to be
    learnt of it.
    """

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.embed = nn.Linear(FEATURES, EMBEDDED)
        self.lstm = nn.LSTM(EMBEDDED, WIDTH, batch_first=True)
        self.middle = nn.Linear(WIDTH + EMBEDDED, MIDDLE)
        self.last = nn.Linear(MIDDLE + EMBEDDED, EVENTS)
        self.dropout = nn.Dropout(dropout)

    @property
    def states(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each state of `step` without the batch axis."""
        return {"h": (WIDTH,), "c": (WIDTH,)}

    def forward(self, told: Any) -> Any:
        """Take [n, steps, FEATURES] and return [n, steps, EVENTS] logits of the events that come at these steps."""
        embedded = self.dropout(self.embed(told).relu())
        return self._tell(self.dropout(self.lstm(embedded)[0]), embedded, told)

    def step(self, told: Any, hidden: Any, cell: Any) -> tuple[Any, ...]:
        """Take [n, FEATURES] and the states; return [n, EVENTS] logits and the next states."""
        embedded = self.embed(told).relu()
        net = self.lstm
        gates = linear(embedded, net.weight_ih_l0, net.bias_ih_l0) + linear(hidden, net.weight_hh_l0, net.bias_hh_l0)
        write, keep, new, show = gates.chunk(_GATES, dim=1)
        cell = keep.sigmoid() * cell + write.sigmoid() * new.tanh()
        hidden = show.sigmoid() * cell.tanh()
        return self._tell(hidden, embedded, told), hidden, cell

    def _tell(self, found: Any, embedded: Any, told: Any) -> Any:
        middle = self.middle(torch.cat([found, embedded], dim=-1)).relu()
        logits = self.last(torch.cat([middle, embedded], dim=-1)).float()
        return logits - _IMPROBABLE * (1.0 - told[..., LEGAL : LEGAL + EVENTS])


@dataclass(frozen=True, slots=True, eq=False)
class Polyphony:
    """A piece as events.

    Attributes:
        rows: [steps, pitches] ages, which the features are made of.
        events: [n] uint8.
        last: [n] uint8 the event before each.
        steps: [n] in which step each is.
        condition: [4] its feeling and mode.
        group: its song.
        quadrant: index of its label, or None.
    """

    rows: NDArray[np.uint8]
    events: NDArray[np.uint8]
    last: NDArray[np.uint8]
    steps: NDArray[np.int32]
    condition: NDArray[np.float32]
    group: int
    quadrant: int | None

    def __len__(self) -> int:
        return len(self.events)

    def window(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the features and the events from one place to another."""
        steps = self.steps[start:stop].astype(np.int64)
        last = self.last[start:stop].astype(np.int64)
        told = features(looks(self.rows, steps), last, steps, self.condition)
        return told, self.events[start:stop].astype(np.int64)


def polyphonies(grids: Iterable[Grid]) -> list[Polyphony]:
    """Return pieces as events, without those that are nearly empty."""
    songs: dict[str, int] = {}
    found = []
    for grid in grids:
        notes = [GridNote(*row) for row in np.stack([grid.start, grid.end, grid.pitch], axis=1).tolist()]
        rows = ages(notes, grid.steps)
        events, last, steps = lessons(rows)
        if len(events) - grid.steps >= _LEAST_EVENTS:
            group = songs.setdefault(grid.song, len(songs))
            small = events.astype(np.uint8), last.astype(np.uint8), steps.astype(np.int32)
            found.append(Polyphony(rows, *small, condition_of(grid).array, group, grid.quadrant))
    return found


def held_back(grids: Sequence[Grid], first: int | None = None) -> dict[str, Examples]:
    """Return beginnings of pieces that are not trained on: EMOPIA's by quadrant (one of them first), and POP909's."""
    val = [grid for grid in grids if grid.split == "val"]
    emopia = polyphonies(grid for grid in val if grid.source == "emopia")
    found = {"emopia_val": emopia}
    for quadrant, name in enumerate(QUADRANTS):
        found[f"emopia_val_{name}"] = [one for one in emopia if one.quadrant == quadrant]
    found["pop909_val"] = polyphonies(grid for grid in val if grid.source == "pop909")
    names = sorted(found, key=lambda name: first is None or not name.endswith(QUADRANTS[first]))
    return {name: examples(found[name], MOST) for name in names if found[name]}


def prepared(grids: Sequence[Grid], quadrant: int | None = None) -> Sequences:
    """Return what there is to learn: POP909; then labelled music beside it; then, for one quadrant, that alone."""
    learnt = [grid for grid in grids if grid.split == "train"]
    labelled = polyphonies(grid for grid in learnt if grid.quadrant is not None)
    pop = polyphonies(grid for grid in learnt if grid.source == "pop909")
    tested = held_back(grids, quadrant)
    base = Sequences(pop, {"pop909_val": tested["pop909_val"]}, LENGTH, BATCH)
    every = Sequences(labelled, tested, LENGTH, BATCH, pop, BESIDE, base)
    if quadrant is None:
        return every
    own = [piece for piece in labelled if piece.quadrant == quadrant]
    return Sequences(
        own, tested, LENGTH, BATCH, base=replace(every, tests={"emopia_val": held_back(grids)["emopia_val"]})
    )


def read(data: Path, quadrant: int | None = None) -> Sequences:
    """Read the pieces of all three sources."""
    return prepared(read_grids(data), quadrant)


def generate(quadrant: int | None = None) -> Sequences:
    """Make up chords over a bass, fast or slow by quadrant, one piece in five for validation."""
    return prepared([_made_up(number) for number in range(48)], quadrant)


def _made_up(number: int) -> Grid:
    labelled = number % 2 == 1
    quadrant = number // 2 % len(QUADRANTS) if labelled else None
    length = 4 if quadrant in {2, 3} else 2
    rng = np.random.default_rng(number)
    steps = 4 * STEPS_PER_BAR
    notes = []
    for start in range(0, steps, length):
        root = (0, 9, 5, 7)[start // STEPS_PER_BAR]
        pitches = {48 + root, 60 + root % 12, 64 + root % 12, _TOP + int(rng.choice([0, 2, 4, 7]))}
        notes += [(start, start + length, pitch) for pitch in sorted(pitches)]
    start, end, pitch = np.array(notes, np.int64).T
    return Grid(
        song=f"generated-{number}",
        start=start,
        end=end,
        pitch=pitch,
        velocity=np.full(len(start), 80),
        melody=pitch >= _TOP,
        steps=steps,
        minor=quadrant in {1, 2},
        tempo_bpm=100.0,
        quadrant=quadrant,
        source="emopia" if labelled else "pop909",
        split="val" if number % 10 in {0, 1} else "train",
    )


def label_of(event: int) -> str:
    """Return the name of an event."""
    if event < NEW:
        return "start" if event == START else "step_end"
    kind = "continued" if event >= CONTINUED else "new"
    return f"{kind}_{(event - NEW) % PITCHES + LOWEST_PITCH}"


_CARD: dict[str, str] = {
    "Architecture": (
        "The events of PolyphonyRNN: in each sixteenth the sounding notes from the highest to the lowest, each new "
        f"or continued, then the end of the step. An embedding ({EMBEDDED}, ReLU) of {FEATURES} features: which events "
        "are possible at all, the last event, the notes of this step so far, of the step before with their ages and of "
        "the step a bar ago, the place in the bar and in the stretch of four bars, the feeling; an LSTM of "
        f"{WIDTH} units; a perceptron of {MIDDLE} ReLU units over both, with the embedding past it to the logits. "
        "Events that the encoding's rules forbid are told to be improbable. One step at a time with the states as "
        "inputs and outputs; the batch axis is free, so that candidates go side by side. int8 weights, activations as "
        "they come."
    ),
    "Training": (
        "First POP909's training songs (1,899 pieces, 4.8 M events, no feeling given), at most 14 epochs in windows of "
        "512 events, 24 a batch, AdamW, 0.006 along a cosine, moving average of the weights, dropout 0.1; it stops "
        "after a second epoch without gain on POP909's validation songs (the ninth of eleven was kept). Then EMOPIA's "
        "training clips and VGMIDI's pieces with their quadrant as valence +-0.6 and arousal +-0.5, and half as many "
        "windows of POP909 beside them, 5 epochs, 0.0015, dropout 0.25: `polyphony_rnn`. From there the pieces of one "
        "quadrant only, at most 8 epochs: `polyphony_rnn_q1` to `_q4`. 24 minutes on one core with bfloat16 "
        "instructions, and 6, and 1 to 2 each."
    ),
    "Split": (
        "EMOPIA's validation songs (authors' split), by quadrant, and one in twenty of POP909's songs; the first 512 "
        "events of each piece. The epoch is chosen on the first of the tests, so that one is a little kind. In short "
        "trials (3 M events of POP909; bits an event, learning rate 0.002, two LSTM layers of 192): PolyphonyRNN's "
        "last event and the place alone 3.76; with the notes of this step and the last 2.35; with those of a bar ago "
        "2.27; with what is forbidden left out 1.76. At 0.004: 1.83 without that, 1.66 with it told as a feature too; "
        "a perceptron before the logits 1.63; one LSTM layer of 256 1.62, two of 176 with a short cut 1.62 but slower. "
        "With int8 activations an event costs 0.01 bits more and takes a fifth of the time of int8 weights computed "
        "in float."
    ),
    "Intended use": (
        "Piano music on a grid of sixteenths in 4/4, in C major or A minor, to be transposed, given velocities and a "
        "tempo, and judged; `robotd/music/compose/polyphony.py` samples it and keeps it in key and in bounds."
    ),
    "Heard": (
        "Of 100 pieces a quadrant, composed by the conditioned net with a judge, a committee that had no part in "
        "composing (another half of EMOPIA's songs) hears 0.91 in the wanted quadrant (0.80 without judging); two"
        " listeners of other kinds 0.80 and 0.95 (0.72 and 0.82). Of real clips the committee names 0.72. How it "
        "was measured: docs/composer_piano.md. Counts:\n\n"
        "| composed with judging | for | heard Q1 | Q2 | Q3 | Q4 |\n"
        "|---|---|---|---|---|---|\n"
        "| off | Q1 | 95 | 5 | 0 | 0 |\n"
        "| off | Q2 | 16 | 83 | 0 | 1 |\n"
        "| off | Q3 | 2 | 5 | 72 | 21 |\n"
        "| off | Q4 | 7 | 0 | 25 | 68 |\n"
        "| on | Q1 | 98 | 2 | 0 | 0 |\n"
        "| on | Q2 | 1 | 99 | 0 | 0 |\n"
        "| on | Q3 | 1 | 5 | 83 | 11 |\n"
        "| on | Q4 | 5 | 0 | 12 | 83 |"
    ),
    "Limits": (
        "The music before an event says more of its liveliness than the feeling that is given: from the same neutral "
        "primer `polyphony_rnn` writes 17, 14, 12 and 16 notes a bar for Q1 to Q4, from primers of the quadrants' own "
        "18, 14, 7 and 9 (12 stretches of four bars each, standard errors up to 1.1). So a change of feeling needs a "
        "new primer, or `density`. "
        "It knows no velocities, triplets or other metres. What lies more than a bar back is only remembered by the "
        "LSTM: it makes no longer forms. EMOPIA is transcribed by a machine from performances, its beats are found by "
        "another; both err. The training pieces are pop songs and game music; it may play something "
        "that somebody knows."
    ),
}

_BASE = Recipe(
    name="polyphony_rnn_base",
    task="polyphony",
    title="Next event of any pop song for piano",
    labels=tuple(label_of(event) for event in range(EVENTS)),
    input_name="features",
    input_shape=(1, FEATURES),
    input_meaning="what is known before an event, as robotd.music.compose.polyphony_encoding.features tells it",
    data_name="POP909",
    licence="MIT (POP909; the songs belong to their writers)",
    card=_CARD,
    net=Net,
    read=lambda data: read(data).base,
    generate=lambda: generate().base,
    schedule=Schedule(epochs=14, learning_rate=6e-3, warmup=0.02, ema_decay=0.998, patience=1, bfloat16=True),
    kind="sequence",
    states=Net().states,
    dynamic=True,
)

_CONDITIONED = replace(
    _BASE,
    name="polyphony_rnn",
    title="Next event of piano music that expresses a given feeling",
    data_name="POP909, then EMOPIA 1.0 and VGMIDI",
    licence="CC BY-NC-SA 4.0 (EMOPIA): non-commercial, share alike; VGMIDI: research; MIT (POP909)",
    net=partial(Net, dropout=0.25),
    read=read,
    generate=generate,
    base=_BASE,
    schedule=Schedule(epochs=5, learning_rate=1.5e-3, ema_decay=0.99, patience=1, bfloat16=True),
)


def _of_quadrant(quadrant: int) -> Recipe:
    return replace(
        _CONDITIONED,
        name=f"polyphony_rnn_q{quadrant + 1}",
        title=f"Next event of piano music that expresses a feeling of {QUADRANTS[quadrant]}",
        read=partial(read, quadrant=quadrant),
        generate=partial(generate, quadrant),
        base=_CONDITIONED,
        schedule=Schedule(epochs=8, learning_rate=1.5e-3, ema_decay=0.95, patience=1, bfloat16=True),
    )


#: Of the conditioned net and of those for one quadrant each, by name.
RECIPES = {recipe.name: recipe for recipe in (_CONDITIONED, *map(_of_quadrant, range(len(QUADRANTS))))}
