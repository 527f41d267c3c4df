"""The open robot: its parts, the loops that run through them, and the commands that change it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from robotd.daemon.commands import (
    Action,
    CommandTable,
    Data,
    FeedbackPayload,
    ModePayload,
    MoodPayload,
    MutePayload,
    NoPayload,
    TextPayload,
)
from robotd.daemon.diagnostics import Usage, percentiles
from robotd.daemon.switches import save_switches
from robotd.emotion import MOODS, Feeling, Quadrant
from robotd.errors import CommandError, ConfigError, LibraryError, RobotdError
from robotd.express import notify
from robotd.feel.event import Event
from robotd.music.taste_book import taste_path
from robotd.paths import library_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.config import Config
    from robotd.daemon.answer import Answer
    from robotd.daemon.mind import Mind, Outcome
    from robotd.daemon.part import Part
    from robotd.daemon.scribe import Scribe
    from robotd.daemon.switches import Switches
    from robotd.express.midi.band import Band
    from robotd.express.mpd import MpdPlayer, Reaction
    from robotd.express.mqtt import MqttLink
    from robotd.express.mqtt_commands import Command
    from robotd.express.outlet import Outlet
    from robotd.music.library import Library
    from robotd.music.recommend import Recommender
    from robotd.sense.stream import Senses
    from robotd.sense.utterance import Utterance

log = logging.getLogger(__name__)

_DIAGNOSTICS_S = 5.0
#: Without a tick, or a sample from open senses, for so long the chain hangs, and the watchdog is let run out.
_HUNG_S = 20.0


class Robot:
    """The parts of a running robot and what happens between them.

    Args:
        config: the settings as they are now.
        switches: as they were left.
        answer: what follows from a feeling.
        load: reads the configuration again, for `reload`.
    """

    link: Part[MqttLink | None]
    band: Part[Band]
    mind: Part[Mind]
    senses: Part[Senses]
    player: Part[MpdPlayer | None]
    scribe: Part[Scribe]
    outlet: Outlet
    library: Library | None = None
    recommender: Recommender | None = None

    def __init__(self, config: Config, switches: Switches, answer: Answer, load: Callable[[], Config]) -> None:
        self.config = config
        self.switches = switches
        self.answer = answer
        self.load = load
        self.reload_wanted = asyncio.Event()
        self.ended = asyncio.Event()
        #: Whether all parts are open; commands wait for that.
        self.ready = False
        self.failure: RobotdError | None = None
        self.feeling: Feeling | None = None
        self.commands = CommandTable(
            {
                "mode": Action(ModePayload, self._mode, bare="mode"),
                "mute": Action(MutePayload, self._mute),
                "mood": Action(MoodPayload, self._mood, bare="quadrant"),
                "text": Action(TextPayload, self._text, bare="text"),
                "feedback": Action(FeedbackPayload, self._feedback),
                "panic": Action(NoPayload, self._panic),
                "reload": Action(NoPayload, self._reload),
            }
        )
        #: Held while switches or settings change: a part that is being opened anew must not be switched.
        self._changing = asyncio.Lock()
        self._recommending = asyncio.Lock()
        self._usage = Usage()
        self._used: dict[str, float] = {}
        self._ticked_at_s = time.monotonic()
        #: What a new link says of itself.
        self._status = "online"

    # The chain

    async def perceive(self) -> None:
        """Take sample after sample until the input ends (only a clip does) or fails."""
        try:
            await self._perceive()
        except RobotdError as error:
            self.failure = error
        self.ended.set()

    async def _perceive(self) -> None:
        last_s = 0.0
        async for sample in self.senses.it:
            last_s = sample.time_s
            self._ticked_at_s = time.monotonic()
            async for outcome in self.mind.it.take(sample):
                await self._tell(outcome)
            await self.band.it.advance(last_s)
        async for outcome in self.mind.it.finish(last_s):
            await self._tell(outcome)

    async def _tell(self, outcome: Outcome) -> None:
        if isinstance(outcome, Event):
            self.outlet.event(outcome)
            return
        before = self.feeling.label if self.feeling else None
        self.feeling = outcome
        if before is not None and outcome.label != before:
            self.outlet.event(Event("feeling_changed", outcome.time_s, {"from": before, "to": outcome.label}))
        self.outlet.feeling(outcome)
        await self._act(outcome)

    def overhear(self, utterance: Utterance) -> None:
        """Have an utterance written down, where that is wanted."""
        self.scribe.it.hear(utterance)

    async def hear_text(self, text: str, listener: str | None = None) -> None:
        """Take in what a person said, wherever its words come from.

        Raises:
            CommandError: there are no words in it that can be read.
        """
        for outcome in await self.mind.it.read_text(text, listener):
            await self._tell(outcome)

    async def _act(self, feeling: Feeling) -> None:
        self.answer.perform(feeling, self.band.it)
        wish = self.answer.due(feeling, self.mind.it.said)
        if wish is None:
            return
        async with self._recommending:
            recommendation = await asyncio.to_thread(self.answer.recommend, wish)
        if recommendation is None:
            return
        self.outlet.recommendation(recommendation)
        if self.player.it is not None:
            self.player.it.play(recommendation)

    # The robot itself

    async def watch(self) -> None:
        """Tell diagnostics and status, and feed the watchdog while the senses are fresh."""
        interval_s = min(_DIAGNOSTICS_S, notify.watchdog_interval_s() or _DIAGNOSTICS_S)
        told_at_s = float("-inf")
        while True:
            # A sense that is missing or muted is not waited for: no restart would bring it back.
            if max(time.monotonic() - self._ticked_at_s, self.senses.it.freshness_s()) < _HUNG_S:
                notify.watchdog()
            if time.monotonic() - told_at_s >= _DIAGNOSTICS_S:
                told_at_s = time.monotonic()
                self._used = await asyncio.to_thread(self._usage.measure)
                self._tell_status()
            await asyncio.sleep(interval_s)

    def _tell_status(self) -> None:
        self.outlet.state("diagnostics", self.diagnostics())
        trouble = self.trouble()
        status = "degraded" if trouble else "online"
        link = self.link.it
        if link is not None and status != self._status:
            link.publish_retained("status", status)
        self._status = status
        label = self.feeling.label if self.feeling else "unknown"
        notify.status(f"{status}{': ' + ', '.join(trouble) if trouble else ''}; feeling {label}")

    def trouble(self) -> list[str]:
        """Return what does not work as configured."""
        wrong = [f"{sense} {how}" for sense, how in self.senses.it.health.items() if how in {"missing", "stalled"}]
        wrong += [f"{what} refused" for what in self.mind.it.refused]
        if not self.band.it.connected:
            wrong.append("no MIDI port")
        if self.band.it.failed:
            wrong.append("no music")
        if self.library is None:
            wrong.append("no song library")
        elif self.answer.trouble is not None:
            wrong.append(self.answer.trouble)
        if self.scribe.it.trouble is not None:
            wrong.append(f"speech to text {self.scribe.it.trouble}")
        if self.player.it is not None and self.player.it.trouble:
            wrong.append("no player")
        return wrong

    def diagnostics(self) -> dict[str, Any]:
        """Return what the robot knows of itself."""
        mind, link = self.mind.it, self.link.it
        return {
            **self._used,
            "senses": dict(self.senses.it.health),
            "counters": dict(self.senses.it.counters),
            "perceived": {"faces": mind.counts.faces, "utterances": mind.counts.utterances},
            "face_ms": percentiles(mind.counts.face_ms),
            "voice_ms": percentiles(mind.counts.voice_ms),
            "models": dict(mind.models),
            "refused": dict(mind.refused),
            "trouble": self.trouble(),
            "midi": self.band.it.diagnostics(),
            "text": self.scribe.it.diagnostics(),
            "player": self.player.it.diagnostics() if self.player.it else None,
            "mqtt": asdict(link.counters) if link else None,
        }

    def tell_switches(self) -> dict[str, Any]:
        """Tell how the switches are, and return it."""
        mood = self.switches.mood
        told = self.switches.model_dump() | {
            "mode": self.answer.mode,
            "mood": None if mood is None else {"valence": mood[0], "arousal": mood[1]},
        }
        self.outlet.state("switches", told)
        return told

    # Commands

    async def handle(self, command: Command) -> Data:
        """Carry out a command from MQTT.

        Raises:
            CommandError: it is unknown or malformed, or the library does not allow it.
        """
        if not self.ready:
            raise CommandError("the robot is starting or stopping; ask again in a moment")
        try:
            return await self.commands.run(command.name, command.payload)
        except LibraryError as error:
            raise CommandError(_without_paths(str(error))) from error

    async def apply_switches(self) -> None:
        """Bring the parts in line with the switches and with what is not enabled."""
        self.answer.mode = self.switches.mode or self.config.mode
        self.answer.mood = self.switches.mood
        microphone = self.switches.microphone_muted or not self.config.microphone.enabled
        camera = self.switches.camera_muted or not self.config.camera.enabled
        await self.senses.it.mute(microphone=microphone, camera=camera)
        if microphone:
            self.mind.it.forget("voice")
        if camera and self.mind.it.forget("face"):
            self.outlet.event(Event("face_lost", self.feeling.time_s if self.feeling else 0.0))
        self.band.it.mute(muted=self.switches.music_muted)

    async def _switch(self, **changes: Any) -> dict[str, Any]:
        async with self._changing:
            self.switches = self.switches.model_copy(update=changes)
            await self.apply_switches()
            await asyncio.to_thread(save_switches, self.switches)
            return self.tell_switches()

    async def _mode(self, payload: ModePayload) -> Data:
        return await self._switch(mode=payload.mode)

    async def _mute(self, payload: MutePayload) -> Data:
        given = {
            "microphone_muted": payload.microphone,
            "camera_muted": payload.camera,
            "music_muted": payload.music,
        }
        return await self._switch(**{name: muted for name, muted in given.items() if muted is not None})

    async def _mood(self, payload: MoodPayload) -> Data:
        mood: tuple[float, float] | None = None
        if payload.quadrant is not None:
            mood = MOODS[Quadrant(payload.quadrant)]
        elif not payload.clear:
            valence, arousal = self.answer.point(self.feeling) or (0.0, 0.0)
            mood = (
                valence if payload.valence is None else payload.valence,
                arousal if payload.arousal is None else payload.arousal,
            )
        told = await self._switch(mood=mood)
        if self.feeling is not None:
            await self._act(self.feeling)
        return {"mood": told["mood"]}

    async def _text(self, payload: TextPayload) -> Data:
        await self.hear_text(payload.text, payload.listener)
        said = self.mind.it.said
        assert said is not None
        return {
            "label": said.reading.label.value,
            "confidence": round(said.reading.confidence, 4),
            "keywords": [{"word": keyword.word, "weight": keyword.weight} for keyword in said.keywords],
        }

    async def _feedback(self, payload: FeedbackPayload) -> Data:
        if self.recommender is None:
            raise CommandError("there is no song library to keep feedback in")
        noted = await asyncio.to_thread(
            self.recommender.feedback, payload.id, payload.song_id, payload.kind, payload.value, payload.listener
        )
        return {"song_id": payload.song_id, **asdict(noted)}

    async def heard(self, reaction: Reaction) -> None:
        """Learn from what a listener did with a song that a player played."""
        payload = FeedbackPayload(
            id=reaction.recommendation_id, song_id=reaction.song_id, kind=reaction.kind, value=reaction.value
        )
        try:
            await self._feedback(payload)
        except RobotdError as error:
            log.warning("what was done with a song was not learnt: %s", error)

    async def _panic(self, _: NoPayload) -> Data:
        self.band.it.panic()
        return None

    async def _reload(self, _: NoPayload) -> Data:
        # The answer must not wait for its own connection to be reopened; a mistake is told at once.
        try:
            await asyncio.to_thread(self.load)
        except ConfigError as error:
            raise CommandError(str(error)) from error
        self.reload_wanted.set()
        return None

    async def reload(self) -> None:
        """Read the configuration again and open anew only what stands on changed settings."""
        notify.reloading()
        try:
            config = await asyncio.to_thread(self.load)
        except ConfigError as error:
            log.error("the configuration was not reloaded:\n%s", error)
            notify.ready()
            return
        async with self._changing:
            await self._take_up(config)
        logging.getLogger("robotd").setLevel(config.log_level.upper())
        log.info("configuration reloaded")
        notify.ready()

    async def _take_up(self, config: Config) -> None:
        self.config = config
        self.answer.configure(config)
        await self.player.reload(config)
        await self.scribe.reload(config)
        if await self.link.reload(config):
            self._status = "online"
        await self.band.reload(config)
        if await self.mind.reload(config) | await self.senses.reload(config):
            self.mind.it.forget_senses()
            self.answer.forget_times()
        self.mind.it.configure(config)
        await self.apply_switches()
        self.tell_switches()


def _without_paths(message: str) -> str:
    """Return a message without the names of our files: they are nobody's business over MQTT."""
    for path in (library_path(), taste_path()):
        message = message.replace(f" {path}", "")
    return message
