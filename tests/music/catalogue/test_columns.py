from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from robotd.errors import LibraryError
from robotd.music.catalogue.columns import plan_import
from tests.music.catalogue.files import csv

if TYPE_CHECKING:
    from pathlib import Path


def test_columns_are_found_by_the_names_that_people_use(tmp_path: Path) -> None:
    plan = plan_import(csv(tmp_path, "x,y,1,9,1999-05-01,u\n", "Song,Artist Name,Valence Mean,arousal-mean,Date,URL\n"))
    assert plan.columns == {
        "title": "song",
        "artist": "artist_name",
        "uri": "url",
        "valence": "valence_mean",
        "arousal": "arousal_mean",
        "year": "date",
    }
    assert plan.scale is not None
    assert (plan.scale.name, plan.rows, plan.certain) == ("1..9", 1, False)
    assert list(plan.lines())[3:5] == [
        "valence: valence_mean (on a scale of 1..9; found 1 to 1)",
        "arousal: arousal_mean (on a scale of 1..9; found 9 to 9)",
    ]


def test_stated_columns_and_scale_hold_and_nobody_need_be_asked(tmp_path: Path) -> None:
    file = csv(tmp_path, "a,b,3,4,7,8\n", "title,name,valence,arousal,pleasant,wild\n")
    plan = plan_import(file, {"title": "name", "valence": "pleasant", "arousal": "wild"}, "0..10")
    assert (plan.columns["title"], plan.columns["valence"], plan.columns["arousal"]) == ("name", "pleasant", "wild")
    assert plan.certain
    assert plan_import(file, scale="1..5").certain
    assert not plan_import(file, {"title": "name"}).certain


def test_a_stated_column_may_be_written_as_in_the_file(tmp_path: Path) -> None:
    file = csv(tmp_path, "a,b,0,0\n", "Title,Song - Name,valence,arousal\n")
    assert plan_import(file, {"title": "Song - Name"}).columns["title"] == "song_name"


@pytest.mark.parametrize(
    ("header", "durations", "milliseconds"),
    [
        ("duration", ("215", "61.5", "21600"), False),
        ("duration", ("215000", "61500", ""), True),
        ("duration", ("", "", ""), False),
        ("duration_ms", ("900", "800", "700"), True),
    ],
)
def test_durations_in_milliseconds_are_noticed(
    tmp_path: Path, header: str, durations: tuple[str, ...], *, milliseconds: bool
) -> None:
    rows = "".join(f"{n},0,0,{duration}\n" for n, duration in enumerate(durations))
    plan = plan_import(csv(tmp_path, rows, f"title,valence,arousal,{header}\n"))
    assert plan.milliseconds == milliseconds
    assert (f"duration_s: {header} (milliseconds)" in plan.lines()) == milliseconds


def test_standard_scores_are_preferred_where_a_catalogue_has_them(tmp_path: Path) -> None:
    file = csv(tmp_path, "a,5,6,-1.5,2\nb,3,3,0.2,1\n", "title,valence,arousal,v_z,a_z\n")
    plan = plan_import(file)
    assert (plan.columns["valence"], plan.columns["arousal"]) == ("v_z", "a_z")
    assert "valence: v_z (standard scores; found -1.5 to 0.2)" in plan.lines()
    assert plan_import(file, scale="1..9").columns["valence"] == "valence"
    assert plan_import(file, {"valence": "valence", "arousal": "arousal"}).columns["valence"] == "valence"
    only_one = csv(tmp_path, "a,5,6,-1.5\nb,3,3,0.2\n", "title,valence,arousal,v_z\n")
    assert plan_import(only_one).columns["valence"] == "valence"


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ("title,valence,arousal,uri", "uri"),
        ("title,valence,arousal,spotify_id", "spotify:track:spotify_id"),
        ("title,valence,arousal,source,source_id", "source:source_id"),
        ("title,valence,arousal", "artist and title"),
    ],
)
def test_it_is_told_where_uris_come_from(tmp_path: Path, header: str, rule: str) -> None:
    file = csv(tmp_path, "a,0,0\n", header + "\n")
    assert plan_import(file).uri_rule == rule


def test_eight_emotions_stand_for_valence_and_arousal(tmp_path: Path) -> None:
    header = "title,anger,anticipation,disgust,fear,joy,sadness,surprise,trust\n"
    plan = plan_import(csv(tmp_path, "a,0,0,0,0,1,0,0,0\n", header))
    assert plan.scale is None
    assert "valence, arousal: computed from anger, anticipation" in "\n".join(plan.lines())


@pytest.mark.parametrize(
    ("content", "stated", "scale", "problem"),
    [
        ("title,artist,valence\n", {}, None, r"no column arousal; it has: title, artist, valence .*--columns"),
        ("", {}, None, "no column title, valence, arousal; it has: none"),
        ("title,valence,arousal\n", {"valence": "v9"}, None, "no column 'v9'; it has: title"),
        ("title,valence,arousal\n", {"mood": "valence"}, None, "no field 'mood'"),
        ("title,valence,arousal\na,0,0\n", {}, "0-5", "no scale '0-5'"),
        ("title,valence,arousal,Valence\na,0,0,0\n", {}, None, "has more than one column valence: rename"),
        (
            "title;valence;arousal\na;0,5;0,1\nb;0,6;0,0\n",
            {},
            None,
            "no row has numbers in valence and arousal; line 2: valence '0,5' is no number",
        ),
        ('title,valence,arousal\n"a,0,0\nb,0,0\n', {}, None, "no row has numbers .*; line 2: valence is empty"),
        ("title,valence,arousal\na,0,0,x,y\n", {}, None, "line 2: has 5 cells, but there are 3 columns"),
        ("title,valence,arousal\na,-500,0\nb,900,4\n", {}, None, "the scale of valence and arousal can't be told"),
    ],
)
def test_what_can_not_be_found_is_told(
    tmp_path: Path, content: str, stated: dict[str, str], scale: str | None, problem: str
) -> None:
    with pytest.raises(LibraryError, match=problem):
        plan_import(csv(tmp_path, "", content), stated, scale)


def test_an_empty_catalogue_with_a_good_header_is_one(tmp_path: Path) -> None:
    assert plan_import(csv(tmp_path, "")).rows == 0
