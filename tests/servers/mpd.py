"""A real MPD on a free port of the loopback, with a folder of songs and no sound card."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import mpd
import numpy as np
import soundfile

from tests.servers.mqtt import HOST, free_port, program
from tests.servers.process import Server
from tests.servers.sound import wait_until

if TYPE_CHECKING:
    from pathlib import Path


#: At low rates MPD 0.23 with a null output now and then answers no command for the 10 s that it buffers.
RATE_HZ = 48000


def write_song(path: Path, *, seconds: float, artist: str = "", title: str = "") -> Path:
    """Write a tone with tags as FLAC and return its path."""
    tone = 0.1 * np.sin(np.arange(int(seconds * RATE_HZ)) * 0.3)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, format="FLAC") as file:
        if artist:
            file.artist = artist
        if title:
            file.title = title
        file.write(tone)
    return path


class Mpd(Server):
    """Runs MPD for the length of a `with` block, or from `start` to `stop`.

    Args:
        folder: where its files go.
        password: gives all permissions; without it there are none then. None: everybody may do everything.
        socket: whether it listens on a local socket too.

    Attributes:
        music: its music folder.
        port: stays the same over restarts.
    """

    def __init__(self, folder: Path, *, password: str | None = None, socket: bool = False) -> None:
        self.music = folder / "music"
        self.music.mkdir()
        self.port = free_port()
        self.socket = folder / "socket"
        self.password = password
        self._log_file = folder / "mpd.log"
        self._config_file = folder / "mpd.conf"
        lines = [
            f'music_directory "{self.music}"',
            f'db_file "{folder / "db"}"',
            f'state_file "{folder / "state"}"',
            f'bind_to_address "{HOST}"',
            f'port "{self.port}"',
            'zeroconf_enabled "no"',
            'audio_output {\ntype "null"\nname "nothing"\n}',
        ]
        if socket:
            lines.append(f'bind_to_address "{self.socket}"')
        if password is not None:
            lines += [f'password "{password}@read,add,control,admin"', 'default_permissions ""']
        self._config_file.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start it and wait until it listens and knows its songs."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [program("mpd"), "--no-daemon", "--stderr", str(self._config_file)], stdout=log, stderr=log
            )
        wait_until(self._knows_its_songs)

    def someone(self) -> mpd.MPDClient:
        """Return a client of somebody else, who listens to music here."""
        client = mpd.MPDClient()
        client.timeout = 10
        client.connect(HOST, self.port)
        if self.password is not None:
            client.password(self.password)
        return client

    def _knows_its_songs(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"mpd did not start:\n{self._log_file.read_text()}")
        try:
            client = self.someone()
        except OSError:
            return False
        client.update()
        while "updating_db" in client.status():
            time.sleep(0.01)
        client.disconnect()
        return True
