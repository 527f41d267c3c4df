"""FluidSynth on this machine: where it is, what it plays with and through, and one run of it.

A run reads its orders as lines of FluidSynth's command language (`noteon 0 60 80`), so that no MIDI system is
needed to reach it. They go through a pipe that it is told to `source`: its standard input it reads with GNU
readline, which takes 0.5 ms a line and remembers every line for ever, against 3 µs and nothing (2.3.1).
https://github.com/FluidSynth/fluidsynth/wiki/UserManual
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.errors import DeviceError
from robotd.express.midi import jack

if TYPE_CHECKING:
    from collections.abc import Callable

    from mido import Message

    from robotd.config import Midi

PROGRAM = "fluidsynth"
REMEDY = "apt install fluidsynth timgm6mb-soundfont"
#: Where Debian, Fedora and Arch put soundfonts; in each, one that is called the default goes first.
SOUNDFONT_FOLDERS = tuple(
    map(
        Path, ("/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
    )
)
#: A run must be ready within this time: a large soundfont comes slowly from an SD card.
READY_S = 20.0
#: A run that does not answer for so long hangs.
ANSWER_S = 10.0
QUIT_S = 1.0
RATE_HZ = 48_000
_ERROR = re.compile(r"fluidsynth: (?:error|panic): (.*)")
#: Without a soundfont it goes on, in silence.
_NO_SOUNDFONT = re.compile(r"not a SoundFont or MIDI file|Failed to load the SoundFont")


def find_program() -> str:
    """Return where FluidSynth is.

    Raises:
        DeviceError: it is not installed.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise DeviceError(f"there is no {PROGRAM} on this machine: {REMEDY}")
    return found


def find_soundfont(wanted: Path | None = None) -> Path:
    """Return the soundfont to play with.

    Args:
        wanted: None for one that the system has.

    Raises:
        DeviceError: there is none.
    """
    if wanted is not None:
        if not os.access(wanted, os.R_OK) or not wanted.is_file():
            raise DeviceError(f"midi.soundfont: {wanted} can't be read")
        return wanted
    for folder in SOUNDFONT_FOLDERS:
        found = [path for pattern in ("*.sf2", "*.sf3") for path in folder.glob(pattern) if path.is_file()]
        if found:
            return min(found, key=lambda path: (not path.name.startswith("default"), path.name))
    raise DeviceError(f"there is no soundfont on this machine: {REMEDY}, or name one as midi.soundfont")


@dataclass(frozen=True, slots=True)
class AudioSystem:
    """A way for sound to get out.

    Attributes:
        name: of FluidSynth's driver, and in the configuration.
        identity: tells which instance of it runs, None if none does.
        options: that the driver needs.
    """

    name: str
    identity: Callable[[], str | None]
    options: tuple[str, ...] = ()


def _socket_identity(path: Path) -> str | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return f"{found.st_ino} {found.st_ctime_ns}" if path.is_socket() else None


def _runtime_folder() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")


def _pipewire_identity() -> str | None:
    return _socket_identity(_runtime_folder() / (os.environ.get("PIPEWIRE_REMOTE") or "pipewire-0"))


def _pulseaudio_identity() -> str | None:
    # https://www.freedesktop.org/wiki/Software/PulseAudio/Documentation/User/ServerStrings/
    server = os.environ.get("PULSE_SERVER", "")
    if server:
        path = server.partition("}")[2] or server
        return _socket_identity(Path(path.removeprefix("unix:"))) if "/" in path else server
    places = (_runtime_folder() / "pulse" / "native", Path("/run/pulse/native"))
    return next((found for place in places if (found := _socket_identity(place)) is not None), None)


def _alsa_identity() -> str | None:
    # A card's playback devices end in p. Cards may come and go; of the loss of its own FluidSynth tells.
    return "a card" if any(Path("/dev/snd").glob("pcmC*p")) else None


#: A way to one of the others, for those who ask for it.
SDL = AudioSystem("sdl2", lambda: "")
#: In the order in which `auto` tries them: who runs a JACK server has given it the sound card.
AUDIO_SYSTEMS = (
    AudioSystem("jack", jack.server_identity, ("audio.jack.id=robotd", "audio.jack.autoconnect=yes")),
    AudioSystem("pipewire", _pipewire_identity, ("audio.pipewire.media-role=Music",)),
    AudioSystem("pulseaudio", _pulseaudio_identity, ("audio.pulseaudio.media-role=music",)),
    AudioSystem("alsa", _alsa_identity),
    SDL,
)


def choose_audio(wanted: str, program: str) -> tuple[AudioSystem, str]:
    """Return the way for sound to get out, and its identity.

    Args:
        wanted: a name, or `auto` for the first that runs.
        program: FluidSynth, which may lack some drivers.

    Raises:
        DeviceError: there is none.
    """
    asked = subprocess.run([program, "-a", "help"], capture_output=True, text=True, check=False, timeout=READY_S)
    drivers = re.findall(r"'(\w+)'", asked.stdout.partition("-a options")[2].partition("-m options")[0])
    if wanted not in {"auto", *drivers}:
        raise DeviceError(f"midi.audio: this {PROGRAM} has no driver for {wanted}; it has: {', '.join(drivers)}")
    for system in AUDIO_SYSTEMS:
        if system.name == wanted or (wanted == "auto" and system.name in drivers and system is not SDL):
            identity = system.identity()
            if identity is not None:
                return system, identity
    what = "neither JACK nor PipeWire, PulseAudio or a sound card" if wanted == "auto" else f"no {wanted}"
    raise DeviceError(f"{PROGRAM} has no way to sound: there is {what} for this user (midi.audio: {wanted})")


def order_for(message: Message) -> bytes | None:
    """Return a MIDI message in FluidSynth's command language, None for what it does not know."""
    kind = message.type
    if kind == "note_on" and message.velocity:
        return b"noteon %d %d %d\n" % (message.channel, message.note, message.velocity)
    if kind in {"note_on", "note_off"}:
        return b"noteoff %d %d\n" % (message.channel, message.note)
    if kind == "control_change":
        return b"cc %d %d %d\n" % (message.channel, message.control, message.value)
    if kind == "program_change":
        return b"prog %d %d\n" % (message.channel, message.program)
    if kind == "pitchwheel":
        return b"pitch_bend %d %d\n" % (message.channel, message.pitch + 8192)
    return None


class Run:
    """One run of FluidSynth, ready to play once the constructor is done.

    It ends when it is closed, and when this process is no more, however that came: then its orders end.

    Args:
        config: soundfont, audio and gain.

    Raises:
        DeviceError: something is missing, or FluidSynth gives up.

    Attributes:
        soundfont: what it plays with.
        through: how its sound gets out.
    """

    def __init__(self, config: Midi) -> None:
        program = find_program()
        self.soundfont = find_soundfont(config.soundfont)
        self.through, self._identity = choose_audio(config.audio, program)
        #: Why it is of no use any more.
        self._trouble: str | None = None
        self._ready = threading.Event()
        self._asked_s = self._answered_s = time.monotonic()
        options = [part for option in self.through.options for part in ("-o", option)]
        command = [program, "-n", "-a", self.through.name, "-g", str(config.gain), "-r", str(RATE_HZ), *options]
        orders, self._orders = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*command, str(self.soundfont.absolute())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[orders],
                # A Ctrl-C at the terminal is for us; it has to be there until the last note has ended.
                start_new_session=True,
                env={**os.environ, "JACK_NO_START_SERVER": "1"},
            )
        except OSError as error:
            os.close(self._orders)
            raise DeviceError(f"can't start {program}: {error}") from error
        finally:
            os.close(orders)
        # Whoever plays must not wait for it; a line is written as a whole or not at all (PIPE_BUF).
        os.set_blocking(self._orders, False)
        self._reader = threading.Thread(target=self._read, name="synth-reader", daemon=True)
        self._reader.start()
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.write(b"source /dev/fd/%d\n" % orders)
            self._process.stdin.flush()
        self.ask()
        self._ready.wait(READY_S)
        trouble = self.trouble if self._ready.is_set() else f"not ready within {READY_S:g} s"
        if trouble is not None:
            self.close()
            raise DeviceError(f"{PROGRAM} can't play through {self.through.name}: {trouble}")

    @property
    def trouble(self) -> str | None:
        """Why it is of no use any more, None while it plays."""
        if self._trouble is None and self.through.identity() != self._identity:
            return f"{self.through.name} is gone"
        if self._trouble is None and self._asked_s - self._answered_s > ANSWER_S:
            return "it does not answer"
        return self._trouble

    def play(self, message: Message) -> None:
        """Have a message played at once; never waits, never raises."""
        order = order_for(message)
        if order is not None:
            self._order(order)

    def ask(self) -> None:
        """Ask for a sign of life; `trouble` tells if none comes."""
        self._asked_s = time.monotonic()
        self._order(b"echo alive\n")

    def close(self) -> None:
        """End it."""
        os.close(self._orders)
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(QUIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(QUIT_S)

    def _order(self, line: bytes) -> None:
        try:
            os.write(self._orders, line)
        except BlockingIOError:
            self._trouble = "it takes in nothing any more"
        except OSError:
            pass  # it has ended, which the reader tells

    def _read(self) -> None:
        assert self._process.stdout is not None
        last = "it ended"
        for raw in self._process.stdout:
            line = raw.decode(errors="replace").strip()
            if line == "alive":
                self._answered_s = time.monotonic()
                self._ready.set()
            elif _NO_SOUNDFONT.search(line):
                self._trouble = f"it can't read the soundfont {self.soundfont}"
            elif (error := _ERROR.search(line)) is not None:
                # Once it plays, an error means that its sound has ended: the server that it played through is gone.
                last = error[1]
                if self._ready.is_set():
                    self._trouble = last
        self._process.stdout.close()
        self._trouble = self._trouble or last
        self._ready.set()
