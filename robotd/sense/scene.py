"""The built-in scene: a short film with a face and a voice, for a machine without camera and microphone."""

from __future__ import annotations

from robotd.paths import shipped
from robotd.sense.clip import ClipSenses


class SceneSenses(ClipSenses):
    """The built-in film at real speed, again and again; time goes on.

    Args:
        tick_s: a tick comes so often.
        frame_rate_hz: at most so many frames a second.
    """

    def __init__(self, tick_s: float, frame_rate_hz: float) -> None:
        super().__init__(shipped("scene") / "scene.mp4", tick_s, frame_rate_hz, repeat=True)
