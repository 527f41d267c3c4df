"""The score as sound: FluidSynth renders it, and it is as long as the film to the sample."""

from __future__ import annotations

import subprocess
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from robotd.errors import CommandError
from robotd.express.midi.fluidsynth import RATE_HZ, find_program, find_soundfont
from robotd.film.outputs import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

#: The end of the last sound's fading, which the film does not wait for, is faded out.
_FADE_S = 0.5
#: Louder than this it is rendered again, more softly: nothing is ever clipped.
_LOUDEST = 0.97
_PIECE_S = 1.0


def render(
    midi: Path,
    path: Path,
    length_s: float,
    *,
    soundfont: Path | None,
    gain: float,
    progress: Callable[[float], None],
) -> float:
    """Render a MIDI file as a WAV file of exactly the wanted length, 48 kHz, 16 bits, two channels.

    Returns how loud it is on the whole (RMS, in dB below full scale).

    Args:
        midi: what is played.
        path: where to; an older file is replaced.
        length_s: how long it is to be; cut, or filled with silence.
        soundfont: whose instruments play; None: one that is installed.
        gain: FluidSynth's; less where it would be too loud.
        progress: is told the time in the film, in seconds.

    Raises:
        DeviceError: FluidSynth or a soundfont is missing.
        CommandError: it failed.
        MediaError: the file can't be written.
    """
    program, font = find_program(), find_soundfont(soundfont)
    frames = round(length_s * RATE_HZ)
    loudest, power = _write(path, _played(program, midi, font, gain), frames, progress)
    if loudest > _LOUDEST:
        gain *= _LOUDEST / loudest
        loudest, power = _write(path, _played(program, midi, font, gain), frames, progress)
    return float(10 * np.log10(max(power, 1e-12)))


def _played(program: str, midi: Path, font: Path, gain: float) -> Iterator[NDArray[np.float32]]:
    """Yield what FluidSynth plays, [n, 2] in -1..1 unless it is too loud, a piece at a time."""
    settings = ["-g", f"{gain:.6f}", "-r", str(RATE_HZ), "-O", "float", "-T", "raw", "-F", "-"]
    # Absolute names can't be taken for options.
    command = [program, "-n", "-i", "-q", *settings, str(font.resolve()), str(midi.resolve())]
    size = 2 * 4 * round(_PIECE_S * RATE_HZ)
    with (
        tempfile.TemporaryFile("w+", errors="replace") as told,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told) as synth,
    ):
        assert synth.stdout is not None
        try:
            while piece := synth.stdout.read(size):
                yield np.frombuffer(piece[: len(piece) // 8 * 8], np.float32).reshape(-1, 2)
        except BaseException:
            synth.kill()
            raise
        synth.wait()
        told.seek(0)
        said = told.read().strip()
    # A file that is no soundfont makes it play silence, and end well.
    if synth.returncode or "error" in said:
        reason = said.splitlines()[0] if said else f"exit code {synth.returncode}"
        raise CommandError(f"fluidsynth failed with {font}: {reason}")


def _write(
    path: Path, pieces: Iterator[NDArray[np.float32]], frames: int, progress: Callable[[float], None]
) -> tuple[float, float]:
    """Write exactly so many frames; returns the loudest sample and the mean power."""
    import soundfile

    done, loudest, energy = 0, 0.0, 0.0
    silence = np.zeros((round(_PIECE_S * RATE_HZ), 2), np.float32)
    fade = min(round(_FADE_S * RATE_HZ), frames)
    with (
        replacing(path) as unfinished,
        soundfile.SoundFile(unfinished, "w", RATE_HZ, 2, subtype="PCM_16", format="WAV") as file,
    ):
        for played in pieces:
            # What fades after the end is not written, but read: the synthesiser is let finish.
            piece = played[: frames - done]
            if not len(piece):
                continue
            left = frames - done - np.arange(len(piece))
            piece = piece * np.minimum(1.0, left / max(fade, 1))[:, np.newaxis].astype(np.float32)
            loudest = max(loudest, float(np.abs(piece).max()))
            energy += float(np.square(piece, dtype=np.float64).sum())
            file.write(np.clip(piece, -1, 1))
            done += len(piece)
            progress(done / RATE_HZ)
        while done < frames:
            rest = silence[: frames - done]
            file.write(rest)
            done += len(rest)
    return loudest, energy / max(2 * frames, 1)
