"""What RtMidi does not tell about JACK: whether its server is there, whether it still plays, who came and went.

libjack writes to standard error when it finds no server, so the server's socket is looked for first. And RtMidi
hands messages to JACK through a ring of 16 KiB and waits without end when that is full, as it soon is when the
server stands still (its sound card was pulled out): so whoever sends must know that it still turns.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from pathlib import Path

UNIX_SOCKETS = Path("/proc/net/unix")
#: In the flags of /proc/net/unix: somebody listens (__SO_ACCEPTCON, linux/net.h).
LISTENING = 1 << 16
# jack/types.h: JackNoStartServer, JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, JackPortIsOutput
NO_START_SERVER = 0x01
MIDI_TYPE = b"8 bit raw midi"
IS_INPUT, IS_OUTPUT = 0x1, 0x2


def server_identity() -> str | None:
    """Return a value that stands for the running JACK server, None if there is none.

    It is the inode of the socket on which the server named by `$JACK_DEFAULT_SERVER` listens; a server that
    was started anew has another one.
    """
    name = os.environ.get("JACK_DEFAULT_SERVER") or "default"
    user = "" if os.environ.get("JACK_PROMISCUOUS_SERVER") else f"_{os.getuid()}"
    try:
        sockets = UNIX_SOCKETS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in sockets:
        # Num RefCount Protocol Flags Type St Inode Path
        fields = line.split(maxsplit=7)
        if line.endswith(f"/jack_{name}{user}_0") and int(fields[3], 16) & LISTENING:
            return fields[6]
    return None


@lru_cache(maxsize=1)
def libjack() -> ctypes.CDLL | None:
    """Return the libjack that RtMidi has loaded, made silent; None if it has none.

    The function that gets its texts must take a `const char *`, do nothing and need no interpreter, as it is
    called from libjack's own threads, even while the interpreter ends: `strlen` will do.
    """
    os.environ["JACK_NO_START_SERVER"] = "1"
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    path = next((line[line.index("/") :] for line in mapped if "/libjack" in line), None)
    if path is None:
        return None
    library, nothing = ctypes.CDLL(path), ctypes.CDLL(None).strlen
    library.jack_set_error_function(nothing)
    library.jack_set_info_function(nothing)
    library.jack_client_open.restype = ctypes.c_void_p
    library.jack_client_open.argtypes = (ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p)
    library.jack_client_close.argtypes = (ctypes.c_void_p,)
    library.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
    library.jack_get_ports.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong)
    library.jack_free.argtypes = (ctypes.c_void_p,)
    library.jack_last_frame_time.restype = ctypes.c_uint32
    library.jack_last_frame_time.argtypes = (ctypes.c_void_p,)
    return library


class Observer:
    """Looks at the JACK server: whether it goes on playing, and which ports there are.

    It is a client of its own, without ports and never activated, so that looking disturbs nobody who plays.

    Attributes:
        works: whether it can look.
    """

    def __init__(self) -> None:
        self._library = libjack()
        self._client = self._library and self._library.jack_client_open(b"robotd-observer", NO_START_SERVER, None)
        self.works = bool(self._client)
        self._frame: int | None = None

    def beats(self) -> bool:
        """Whether the server has played anything since the last call; True if that can't be known."""
        if self._library is None or not self._client:
            return True
        before, self._frame = self._frame, self._library.jack_last_frame_time(self._client)
        return before != self._frame

    def ports(self, flags: int) -> list[str]:
        """Return the names of the MIDI ports with some flags, as RtMidi gives them."""
        if self._library is None or not self._client:
            return []
        found = self._library.jack_get_ports(self._client, None, MIDI_TYPE, flags)
        names: list[str] = []
        while found and (name := found[len(names)]) is not None:
            names.append(name.decode(errors="replace"))
        if found:
            self._library.jack_free(found)
        return names

    def close(self) -> None:
        """Leave the server."""
        if self._library is not None and self._client:
            self._library.jack_client_close(self._client)
        self._client = None
        self.works = False
