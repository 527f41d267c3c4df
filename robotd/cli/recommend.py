"""`robotd recommend`: one recommendation, with its reasons."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from robotd.cli.options import ConfigPath, Overrides, configuration
from robotd.config import ListenerName
from robotd.emotion import valence_arousal
from robotd.errors import CommandError
from robotd.paths import library_path

if TYPE_CHECKING:
    from robotd.config import Config, Limits, Target
    from robotd.music.recommend import Recommendation
    from robotd.perceive.keywords import Keyworder

_TARGETS = ("uplift", "calm", "focus", "stay")


def recommend_command(
    *,
    valence: Annotated[
        float | None,
        typer.Option(help="-1 (unpleasant) to 1 (pleasant).", min=-1, max=1, show_default="from the text"),
    ] = None,
    arousal: Annotated[
        float | None, typer.Option(help="-1 (sleepy) to 1 (excited).", min=-1, max=1, show_default="from the text")
    ] = None,
    text: Annotated[str | None, typer.Option(help="What the person said.")] = None,
    tracks: Annotated[
        int | None,
        typer.Option(help="How many songs for the mood as it is.", min=1, max=50, show_default="as configured"),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="A journey of so many songs to the target.", min=1, max=50)] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Where the journey leads: uplift, calm, focus, stay, or a place as in 0.6,0.3.",
            show_default="as configured",
        ),
    ] = None,
    limit_genre: Annotated[
        list[str] | None, typer.Option(help="Only songs of this genre; may be repeated.", metavar="GENRE")
    ] = None,
    limit_years: Annotated[
        str | None, typer.Option(help="Only songs of these years, as in 1980-1999 or 2010-.", metavar="FROM-TO")
    ] = None,
    limit_language: Annotated[
        list[str] | None, typer.Option(help="Only songs in this language, as in en; may be repeated.", metavar="CODE")
    ] = None,
    limit_parental: Annotated[
        str | None, typer.Option(help="explicit: none marked explicit; strict: only known not to be; off.")
    ] = None,
    listener: Annotated[str | None, typer.Option(help="Whose taste counts.", show_default="as configured")] = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    note: Annotated[
        bool, typer.Option("--note", help="Remember it: its songs rest, and feedback can name its id.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As over MQTT, but for the time.")] = False,
) -> None:
    """Recommend songs for a feeling, and say why.

    Examples:

    - `robotd recommend --valence -0.6 --arousal -0.4`
    - `robotd recommend --valence -0.6 --arousal -0.4 --text "i miss home, it rains" --steps 6`
    - `robotd recommend --text "what a day!" --steps 4 --target calm --limit-years 1970-1989 --json`
    """
    settings = configuration(config, overrides)
    if steps is not None and tracks is not None:
        raise CommandError("--steps and --tracks both say how many songs: give --steps for a journey, else --tracks")
    _check_listener(listener)
    wanted = _target(target)
    limits = _limits(settings, limit_genre, limit_years, limit_language, limit_parental)
    emotions, keyworder = _read(text, settings)
    if emotions is not None:
        felt = valence_arousal(emotions)
        valence, arousal = felt[0] if valence is None else valence, felt[1] if arousal is None else arousal
    if valence is None or arousal is None:
        raise CommandError("give --valence and --arousal, or --text to take what is missing from")
    from robotd.music.library import Library
    from robotd.music.recommend import Recommender, Wish
    from robotd.music.taste_book import TasteBook, taste_path

    journey = steps is not None or wanted is not None
    now = datetime.now().astimezone()
    wish = Wish(
        valence,
        arousal,
        emotions,
        keyworder.keywords(text) if keyworder and text else (),
        target=wanted if journey else "stay",
        steps=steps or tracks,
        limits=limits,
        listener=listener,
        hour=now.hour + now.minute / 60,
    )
    with Library(library_path()) as library, TasteBook(taste_path()) as book:
        recommender = Recommender(library, settings.recommend, settings.taste, book=book, words=keyworder)
        recommendation = recommender.recommend(wish, note=note)
    if as_json:
        typer.echo(json.dumps(recommendation.payload(), ensure_ascii=False))
    else:
        _show(recommendation)


def _read(text: str | None, settings: Config) -> tuple[tuple[float, ...] | None, Keyworder | None]:
    """Return the emotions of what was said, and what finds its keywords; None where nothing was."""
    if text is None or not text.strip():
        return None, None
    from robotd.perceive.keywords import shipped_keyworder
    from robotd.perceive.manifest import load_manifest
    from robotd.perceive.words import WordsReader

    manifest = load_manifest()
    reading = WordsReader(settings.words.model, manifest, settings.runtime).read(text, 0.0)
    return reading.probabilities, shipped_keyworder(settings.runtime, settings.words.keywords)


def _check_listener(name: str | None) -> None:
    """Raise CommandError if it is no name that feedback over MQTT could have, too."""
    try:
        TypeAdapter(ListenerName | None).validate_python(name)
    except ValidationError:
        raise CommandError(
            f"--listener {name!r} is no name: give 1 to 64 letters, digits, spaces or any of . _ - @"
        ) from None


def _target(text: str | None) -> Target | None:
    """Read a target.

    Raises:
        CommandError: it is none.
    """
    if text is None:
        return None
    for name in _TARGETS:
        if text == name:
            return name  # type: ignore[return-value]  # one of the names
    try:
        valence, arousal = map(float, text.split(","))
    except ValueError:
        valence = arousal = float("nan")
    if not (-1 <= valence <= 1 and -1 <= arousal <= 1):
        raise CommandError(f"--target {text}: give {', '.join(_TARGETS)}, or valence and arousal as in 0.6,0.3")
    return valence, arousal


def _limits(
    settings: Config,
    genres: list[str] | None,
    years: str | None,
    languages: list[str] | None,
    parental: str | None,
) -> Limits:
    """Return the limits: those given in the place of those configured.

    Raises:
        CommandError: they make no sense.
    """
    given: dict[str, object] = {}
    if genres:
        given["genres"] = tuple(genres)
    if years is not None:
        first, dash, last = years.partition("-")
        given |= {"from_year": first or None, "to_year": (last if dash else first) or None}
    if languages:
        given["languages"] = tuple(languages)
    if parental is not None:
        given["parental"] = parental
    limits = settings.recommend.limits
    try:
        return type(limits).model_validate(limits.model_dump() | given)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise CommandError(f"the limits make no sense: {problems}") from None


def _show(recommendation: Recommendation) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from robotd.music.reasons import mood_words

    plan = recommendation.plan
    console = Console()
    start, goal = (
        f"{mood_words(point)} ({point.valence:+.2f}, {point.arousal:+.2f})" for point in (plan.start, plan.goal)
    )
    console.print(f"from {start} to {goal}" if plan.goal != plan.start else f"for a mood that is {start}")
    table = Table(show_lines=True)
    for heading, fixed in (("", True), ("song, and why", False), ("valence, arousal", True), ("score", True)):
        table.add_column(heading, no_wrap=fixed)
    for number, (track, place) in enumerate(zip(recommendation.tracks, plan.steps, strict=False), 1):
        by = f" [dim]by {escape(track.artist)}[/]" if track.artist else ""
        places = {"wanted": place, "it is": (track.valence, track.arousal), "then": track.expected}
        numbers = {"feeling": track.parts.feeling, "lyrics": track.parts.lyrics, "keywords": track.parts.keywords}
        numbers["liking"] = track.liking
        told = [f"{name:8} {value:+.2f}" for name, value in numbers.items() if value is not None]
        table.add_row(
            str(number),
            f"[bold]{escape(track.title)}[/]{by}\n{escape(track.why)}",
            "\n".join(f"{name:6} {_place(value)}" for name, value in places.items()),
            "\n".join([f"[bold]{track.score:.2f}[/]", *told]),
        )
    console.print(table)
    console.print("[dim]then: the mood that is to be expected after the song[/]")


def _place(place: tuple[float, float]) -> str:
    return f"{place[0]:+.2f} {place[1]:+.2f}"
