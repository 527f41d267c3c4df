"""From an utterance to its words: what every way of recognising speech has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from robotd.errors import ConfigError

if TYPE_CHECKING:
    from robotd.config import Asr
    from robotd.sense.utterance import Utterance


class Transcriber(Protocol):
    """Recognises speech.

    Attributes:
        name: what it is called in diagnostics.
        health: `ok`, or what is wrong in a word.
        lost: how many utterances nobody heard.
    """

    name: str
    health: str
    lost: int

    async def transcribe(self, utterance: Utterance) -> str | None:
        """Return what was said, None where nothing was understood or nobody was there to hear it."""
        ...


def open_transcriber(asr: Asr) -> Transcriber | None:
    """Return what recognises speech, None where that is switched off.

    Raises:
        ConfigError: its package is not installed, or its settings ask for the impossible.
    """
    if asr.kind == "off":
        return None
    try:
        if asr.kind == "wyoming":
            from robotd.sense.wyoming_server import WyomingServer

            return WyomingServer(asr)
        from robotd.sense.spotter import Spotter

        return Spotter(asr)
    except ImportError as error:
        raise ConfigError(
            f"asr.kind {asr.kind} needs the package {asr.kind}: pip install 'robotd[asr]' ({error})"
        ) from error
