"""The configuration: typed sections with units in their names, read from YAML.

`config.yaml` at the root of the project is the commented default. Reading and its error messages live in
`configfile`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    SecretStr,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from robotd.emotion import Quadrant

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Program = Annotated[int, Field(ge=0, le=127)]
Channel = Annotated[int, Field(ge=1, le=16)]
Velocity = Annotated[int, Field(ge=1, le=127)]
Axis = Annotated[float, Field(ge=-1, le=1)]


def _off(value: object) -> object:
    """Read YAML's bare `off`, which means False there, as the word that it is."""
    return "off" if value is False else value


#: Who plays: each part has a channel and an instrument of its own.
Part = Literal["melody", "harmony", "bass", "drums"]
PARTS: tuple[Part, ...] = ("melody", "harmony", "bass", "drums")


class Section(BaseModel):
    """A group of settings; unknown keys are errors and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Microphone(Section):
    """Where sound comes from."""

    enabled: bool = True
    device: str | int | None = None
    block_ms: Literal[20, 30] = 30
    stall_s: Positive = 3.0


class Camera(Section):
    """Where pictures come from."""

    enabled: bool = True
    source: str | int | None = None
    rate_hz: Annotated[float, Field(gt=0, le=60)] = 10.0
    width: Annotated[int, Field(ge=64, le=4096)] = 640
    height: Annotated[int, Field(ge=48, le=4096)] = 480
    stall_s: Positive = 5.0


class Speech(Section):
    """How utterances are cut out of the sound."""

    aggressiveness: Annotated[int, Field(ge=0, le=3)] = 2
    preroll_ms: Annotated[int, Field(ge=0, le=2000)] = 300
    hangover_ms: Annotated[int, Field(ge=60, le=5000)] = 600
    min_speech_ms: Annotated[int, Field(ge=30, le=5000)] = 240
    interim_s: Annotated[float, Field(ge=0.5, le=8)] = 2.0


class Face(Section):
    """How a face is found and read."""

    landmarker: Literal["auto", "tflite", "mediapipe", "haar"] = "auto"
    model: str = "face_image"
    min_face_px: Annotated[int, Field(ge=16)] = 40
    lost_after_s: Positive = 1.0


class Voice(Section):
    """How an utterance is read: by `model` where one is named, else by `models`, whose probabilities are averaged."""

    model: str | None = None
    models: Annotated[dict[str, Positive], Field(min_length=1)] = {
        "voice_prosody": 0.4,
        "voice_features": 0.3,
        "voice_mel": 0.3,
    }

    @property
    def chosen(self) -> dict[str, float]:
        """The models by name, with how much each counts."""
        return {self.model: 1.0} if self.model else self.models


class Words(Section):
    """How text is read: the model of its emotion, and the one of its keywords."""

    model: str = "words"
    keywords: str = "keywords"


class Asr(Section):
    """How speech becomes text, and who else may hand over text.

    `wyoming` sends each utterance to the server at `uri`; nothing is sent anywhere while `kind` is `off`.
    """

    kind: Annotated[Literal["off", "wyoming", "pocketsphinx"], BeforeValidator(_off)] = "off"
    uri: str = "tcp://127.0.0.1:10300"
    language: str | None = None
    timeout_s: Annotated[float, Field(ge=0.5, le=120)] = 15.0
    phrases: tuple[Annotated[str, Field(pattern=r"^[A-Za-z' ]{2,60}$")], ...] = ()
    hermes: bool = False
    site: str | None = None

    @field_validator("uri")
    @classmethod
    def _is_wyoming(cls, uri: str) -> str:
        parts = urlsplit(uri)
        # Asking for the port checks its range.
        if parts.scheme == "tcp" and parts.hostname and parts.port:
            return uri
        if parts.scheme == "unix" and parts.path:
            return uri
        raise ValueError("a Wyoming server's address is tcp://HOST:PORT or unix:///PATH")

    @model_validator(mode="after")
    def _has_phrases(self) -> Self:
        if self.kind == "pocketsphinx" and not self.phrases:
            raise ValueError("pocketsphinx spots phrases: name them in asr.phrases")
        return self


class Song(Section):
    """How recorded music is read."""

    model: str = "song_va"


class Score(Section):
    """How symbolic music is read."""

    model: str = "judge_notes"


class Runtime(Section):
    """How models are run."""

    providers: tuple[Literal["cpu", "xnnpack", "cuda", "tensorrt"], ...] = ("cpu",)
    threads: Annotated[int, Field(ge=1, le=64)] = 1


class Weights(Section):
    """How much each modality counts; renormalised over those that are there."""

    face: NotNegative = 0.75
    voice: NotNegative = 0.25
    words: NotNegative = 0.25

    @model_validator(mode="after")
    def _one_counts(self) -> Self:
        if self.face + self.voice + self.words <= 0:
            raise ValueError("at least one weight must be above 0")
        return self


class HalfLife(Section):
    """After how many seconds a reading counts half."""

    face: Positive = 2.0
    voice: Positive = 6.0
    words: Positive = 20.0


class Fusion(Section):
    """How the modalities are put together."""

    kind: Literal["average", "mid", "joint"] = "average"
    weights: Weights = Weights()
    half_life_s: HalfLife = HalfLife()
    unsure_below: Share = 0.2
    sure_above: Share = 0.4

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.unsure_below >= self.sure_above:
            raise ValueError("unsure_below must be less than sure_above")
        return self


class FeelingOverTime(Section):
    """How the feeling moves in time."""

    tick_s: Annotated[float, Field(ge=0.1, le=5)] = 0.5
    smoothing_s: NotNegative = 1.0
    margin: Share = 0.05
    hold_s: NotNegative = 0.5
    unknown_after_s: Positive = 10.0


class RelevanceWeights(Section):
    """How much each likeness of song and person counts; renormalised over those that are known."""

    feeling: Positive = 0.5
    lyrics: NotNegative = 0.2
    keywords: NotNegative = 0.3


class Limits(Section):
    """Which songs may be recommended; what is not known of a song is outside a limit of it."""

    genres: tuple[str, ...] = ()
    from_year: Annotated[int, Field(ge=1)] | None = None
    to_year: Annotated[int, Field(ge=1)] | None = None
    languages: tuple[str, ...] = ()
    parental: Annotated[Literal["off", "explicit", "strict"], BeforeValidator(_off)] = "off"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_year is not None and self.to_year is not None and self.from_year > self.to_year:
            raise ValueError("from_year must not be after to_year")
        return self


#: Where a journey leads: a mood by name, or a place (valence, arousal).
Target = Literal["uplift", "calm", "stay", "focus"] | tuple[Axis, Axis]
#: Whose taste it is.
ListenerName = Annotated[str, Field(pattern=r"^[\w .@-]{1,64}$")]


#: What stands for a part that is not known of a song.
Unknown = Literal["typical", "renormalise"]


class Recommend(Section):
    """When songs are recommended, how many, and which."""

    tracks: Annotated[int, Field(ge=1, le=50)] = 3
    min_interval_s: NotNegative = 30.0
    refresh_s: Positive = 240.0
    ttl_s: Positive = 60.0
    target: Target = "uplift"
    step: Annotated[float, Field(ge=0.05, le=3)] = 0.4
    rest: Annotated[int, Field(ge=0, le=1000)] = 30
    diversity: Share = 0.1
    weights: RelevanceWeights = RelevanceWeights()
    unknown: Unknown = "typical"
    limits: Limits = Limits()
    listener: ListenerName = "default"


class Taste(Section):
    """How much a listener's learnt liking counts."""

    enabled: bool = True
    weight: Share = 0.2
    explore: Share = 0.03
    forgetting: Annotated[float, Field(gt=0.5, le=1)] = 0.995


class Compose(Section):
    """How music is composed."""

    composer: Literal["neural", "rules"] = "neural"
    style: Literal["band", "piano"] = "band"
    nets: Literal["conditioned", "quadrant"] = "conditioned"
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = PARTS
    temperature: Annotated[float, Field(ge=0.1, le=2)] = 1.0
    judge: str | None = "judge_notes"
    tries: Annotated[int, Field(ge=1, le=20)] = 4
    seed: NonNegativeInt | None = None


class Parts(Section):
    """A number for each part of the band."""

    melody: int
    harmony: int
    bass: int
    drums: int


class Channels(Parts):
    """The MIDI channels of the parts, 1-16; parts may share one."""

    melody: Channel = 1
    harmony: Channel = 2
    bass: Channel = 3
    drums: Channel = 10

    @property
    def from_zero(self) -> dict[Part, int]:
        """The channels as MIDI counts them, 0-15."""
        return {part: getattr(self, part) - 1 for part in PARTS}


class Band(Parts):
    """General MIDI programs (0-127) of the parts."""

    melody: Program = 0
    harmony: Program = 0
    bass: Program = 0
    drums: Program = 0


class Programs(Section):
    """The instruments for each quadrant."""

    Q1: Band = Band(melody=11, harmony=0, bass=32)
    Q2: Band = Band(melody=48, harmony=48, bass=33)
    Q3: Band = Band(melody=0, harmony=0, bass=43)
    Q4: Band = Band(melody=24, harmony=88, bass=32)

    @property
    def by_quadrant(self) -> dict[Quadrant, dict[Part, int]]:
        """The programs by quadrant and part."""
        return {
            quadrant: {part: getattr(getattr(self, quadrant.value), part) for part in PARTS} for quadrant in Quadrant
        }


class VelocityCurve(Section):
    """How hard notes are struck: `shape` names a curve, or gives its exponent."""

    shape: Literal["linear", "soft", "hard"] | Annotated[float, Field(ge=0.1, le=10)] = "linear"
    min: Velocity = 1
    max: Velocity = 127

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError("min must not be above max")
        return self


class Midi(Section):
    """The MIDI port and what is played on it."""

    enabled: bool = True
    backend: Literal["auto", "alsa", "jack"] = "auto"
    port: str = "robotd"
    channels: Channels = Channels()
    programs: Programs = Programs()
    velocity_curve: VelocityCurve = VelocityCurve()
    transpose: Annotated[int, Field(ge=-48, le=48)] = 0
    clock: Annotated[Literal["off", "in", "out"], BeforeValidator(_off)] = "off"
    input: str | None = None
    panic_controller: Annotated[int, Field(ge=0, le=127)] | None = None
    synth: Literal["fluidsynth"] | None = None
    audio: Literal["auto", "jack", "pipewire", "pulseaudio", "alsa", "sdl2"] = "auto"
    soundfont: Path | None = None
    gain: Annotated[float, Field(gt=0, le=5)] = 0.4
    over_mqtt: bool = False
    record: Path | None = None


class Mqtt(Section):
    """The broker."""

    enabled: bool = True
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    tls: bool = False
    tls_ca_file: Path | None = None
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    tls_insecure: bool = False
    client_id: str | None = None
    keepalive_s: Annotated[int, Field(ge=1, le=3600)] = 20
    queue_size: Annotated[int, Field(ge=8, le=100_000)] = 512
    discovery: bool = True
    discovery_prefix: str = "homeassistant"

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("give either password or password_file, not both")
        return self


class Player(Section):
    """What plays recommended songs on this box."""

    kind: Literal["mpd"] | None = None
    host: Annotated[str, Field(min_length=1)] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 6600
    password: SecretStr | None = None
    music_dir: Path | None = None
    queue: Literal["next", "end", "now"] = "next"


class Config(Section):
    """Everything that can be set."""

    robot_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "robot"
    input: Literal["auto", "devices", "scene"] = "auto"
    mode: Annotated[Literal["off", "recommend", "compose", "both"], BeforeValidator(_off)] = "both"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    microphone: Microphone = Microphone()
    camera: Camera = Camera()
    speech: Speech = Speech()
    face: Face = Face()
    voice: Voice = Voice()
    words: Words = Words()
    asr: Asr = Asr()
    song: Song = Song()
    score: Score = Score()
    runtime: Runtime = Runtime()
    fusion: Fusion = Fusion()
    feeling: FeelingOverTime = FeelingOverTime()
    recommend: Recommend = Recommend()
    taste: Taste = Taste()
    compose: Compose = Compose()
    midi: Midi = Midi()
    mqtt: Mqtt = Mqtt()
    player: Player = Player()

    @property
    def instruments(self) -> Midi:
        """The MIDI settings with the instruments that play: in the style of a piano everything is one."""
        if self.compose.style == "band":
            return self.midi
        return self.midi.model_copy(update={"programs": Programs(Q1=Band(), Q2=Band(), Q3=Band(), Q4=Band())})
