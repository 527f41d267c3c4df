"""Plays recommended songs through MPD, the Music Player Daemon, and tells how they were received.

::

    Recommendation ─▶ MpdPlayer ── queue ─▶ MPD
                          │                  │ status
                          └── Listening ◀────┘
                                  └── Reaction ─▶ feedback

See https://mpd.readthedocs.io/en/stable/protocol.html.
"""

from __future__ import annotations

from robotd.express.mpd.listening import Reaction
from robotd.express.mpd.player import MpdPlayer

__all__ = ["MpdPlayer", "Reaction"]
