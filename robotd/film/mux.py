"""A copy of the film with its music under the speech, by FFmpeg. Its pictures are copied, not encoded again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.errors import CommandError
from robotd.express.midi.fluidsynth import RATE_HZ
from robotd.film.outputs import FILM, replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from robotd.film.probe import Film

#: Where nobody speaks the music is softer than speech by this much.
_BELOW_SPEECH_DB = 6.0
#: So loud the compressor hears the speech, whatever its level in the film.
_KEY_DB = -20.0
#: Above this the music is pressed down, to a `_RATIO`-th in dB: by 12 dB under speech of the usual level.
_THRESHOLD_DB, _RATIO = -34.0, 8
#: Music goes down within a syllable and comes back in a pause between sentences.
_ATTACK_MS, _RELEASE_MS = 60, 900
#: Speech is what lies in this band; rumble and hiss do not press the music down.
_BAND_HZ = (150, 5000)
_MOST_GAIN_DB, _LEAST_GAIN_DB = 12.0, -36.0
#: FFmpeg's range of the compressor's `level_sc`.
_LEAST_KEY_GAIN, _MOST_KEY_GAIN = 1 / 64, 64.0


@dataclass(frozen=True, slots=True)
class Container:
    """What a film with music is packed in.

    Attributes:
        ending: of its name.
        codec: FFmpeg's arguments for its sound.
        more: further arguments.
    """

    ending: str
    codec: tuple[str, ...]
    more: tuple[str, ...] = ()


_AAC = ("-c:a", "aac", "-b:a", "192k")
_OPUS = ("-c:a", "libopus", "-b:a", "160k")
_FAST_START = ("-movflags", "+faststart")
_MATROSKA = Container(".mkv", _AAC)
#: The containers that a film keeps; every other film comes in Matroska, which holds pictures of any codec.
CONTAINERS: dict[str, Container] = {
    ".mp4": Container(".mp4", _AAC, _FAST_START),
    ".m4v": Container(".m4v", _AAC, _FAST_START),
    ".mov": Container(".mov", _AAC, _FAST_START),
    ".mkv": _MATROSKA,
    ".webm": Container(".webm", _OPUS),
}
#: Sound alone.
_SOUND = Container(".m4a", _AAC, _FAST_START)


def containers(film: Film) -> list[Container]:
    """Return what to pack a film in: its own container if it can be, and Matroska if that fails."""
    if not film.contents.pictures:
        return [_SOUND]
    own = CONTAINERS.get(film.path.suffix.lower(), _MATROSKA)
    return [own] if own is _MATROSKA else [own, _MATROSKA]


def mux(
    film: Film,
    music: Path,
    folder: Path,
    *,
    speech_db: float | None,
    music_db: float,
    progress: Callable[[float], None],
) -> Path:
    """Write the film with its music; returns where it is.

    The music is a compressor's signal, the film's own sound its key (side chain): while somebody speaks the music is
    12 dB softer. Pictures and subtitles are copied.

    Args:
        film: the person's film, which FFmpeg reads where it lies.
        music: as long as the film.
        folder: where to.
        speech_db: how loud the speech is; None: nobody speaks.
        music_db: how loud the music is.
        progress: is told the time in the film, in seconds.

    Raises:
        CommandError: FFmpeg is missing, or it failed.
        MediaError: the file can't be written.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise CommandError("the film with its music is made by ffmpeg, which is missing: apt install ffmpeg")
    said = ""
    for container in containers(film):
        path = folder / f"{FILM}{container.ending}"
        arguments = _arguments(film, music, container, _mixing(film, speech_db, music_db))
        try:
            with replacing(path) as unfinished:
                _run([program, *arguments, f"file:{unfinished.resolve()}"], progress)
        except CommandError as error:
            said = str(error)
        else:
            return path
    raise CommandError(f"ffmpeg can't put the music to {film.path}: {said}")


def _mixing(film: Film, speech_db: float | None, music_db: float) -> str:
    """Return FFmpeg's filters that mix the film's sound (input 0) with the music (input 1)."""
    if not film.contents.sound:
        return "[1:a:0]anull[mixed]"
    # Without speech what the film holds besides is the measure; how loud that is is not known.
    wanted_db = _KEY_DB if speech_db is None else speech_db
    gain_db = min(max(wanted_db - _BELOW_SPEECH_DB - music_db, _LEAST_GAIN_DB), _MOST_GAIN_DB)
    key_gain = min(max(_ratio(_KEY_DB - wanted_db), _LEAST_KEY_GAIN), _MOST_KEY_GAIN)
    # Sound that begins after the pictures, or has gaps, is filled with silence: the mixer counts samples.
    even = f"aresample={RATE_HZ}:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo"
    low_hz, high_hz = _BAND_HZ
    pressed = f"threshold={_ratio(_THRESHOLD_DB):.5f}:ratio={_RATIO}:attack={_ATTACK_MS}:release={_RELEASE_MS}"
    return ";".join(
        (
            f"[0:a:0]{even},asplit=2[film][speech]",
            f"[speech]highpass=f={low_hz},lowpass=f={high_hz},apad[key]",
            f"[1:a:0]{even},volume={gain_db:.2f}dB[music]",
            f"[music][key]sidechaincompress={pressed}:level_sc={key_gain:.5f}:detection=rms:link=maximum[under]",
            "[film][under]amix=inputs=2:duration=longest:dropout_transition=0:normalize=0[both]",
            "[both]alimiter=limit=0.97:level=0[mixed]",
        )
    )


def _arguments(film: Film, music: Path, container: Container, mixing: str) -> list[str]:
    pictures = []
    if film.contents.pictures:
        pictures = ["-map", "0:V:0", "-c:v", "copy"]
        if container.ending == film.path.suffix.lower():
            pictures += ["-map", "0:s?", "-c:s", "copy"]
    # A file that names others, such as a playlist, must not make FFmpeg go and get them from a network.
    return [
        *("-hide_banner", "-nostdin", "-loglevel", "error", "-y"),
        *("-protocol_whitelist", "file,crypto,data", "-fflags", "+genpts", "-i", f"file:{film.path.resolve()}"),
        *("-protocol_whitelist", "file", "-i", f"file:{music.resolve()}"),
        *("-filter_complex", mixing, *pictures, "-map", "[mixed]", *container.codec),
        *("-t", f"{film.length_s:.6f}", *container.more, "-progress", "pipe:1"),
    ]


def _run(command: list[str], progress: Callable[[float], None]) -> None:
    with (
        # A damaged film makes it say a lot.
        tempfile.TemporaryFile("w+", errors="replace") as told,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told, text=True) as ffmpeg,
    ):
        assert ffmpeg.stdout is not None
        try:
            for line in ffmpeg.stdout:
                name, _, value = line.strip().partition("=")
                if name == "out_time_us" and value.lstrip("-").isdigit():
                    progress(max(0, int(value)) / 1e6)
        except BaseException:
            ffmpeg.kill()
            raise
        ffmpeg.wait()
        told.seek(0)
        said = told.read().strip()
    if ffmpeg.returncode:
        raise CommandError(said.splitlines()[-1] if said else f"exit code {ffmpeg.returncode}")


def _ratio(level_db: float) -> float:
    return float(10 ** (level_db / 20))
