from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from robotd.perceive.features.landmarks import COUNT, MESH_POINTS, POINTS, TWINS, chosen, distances


def mesh(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0, 48, (MESH_POINTS, 3)).astype(np.float32)


def test_points_are_chosen_once_and_there_is_a_distance_for_each_pair() -> None:
    assert len(set(POINTS)) == len(POINTS)
    assert all(0 <= point < MESH_POINTS for point in POINTS)
    assert len(POINTS) * (len(POINTS) - 1) // 2 == COUNT
    assert distances(chosen(mesh())).shape == (1, COUNT)


@given(
    size=st.floats(0.05, 40),
    angle=st.floats(-math.pi, math.pi),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_place_size_and_turn_in_the_picture_say_nothing(size: float, angle: float, x: float, y: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = (size * chosen(mesh()) @ turn + np.array([x, y])).astype(np.float32)
    assert distances(moved) == pytest.approx(distances(chosen(mesh())), abs=2e-3)


def test_a_distance_is_told_in_parts_of_the_mean_distance() -> None:
    points = chosen(mesh())
    first, second = (float(np.linalg.norm(points[0] - points[other])) for other in (1, 2))
    found = distances(points)[0]
    assert found[0] / found[1] == pytest.approx(first / second, rel=1e-5)
    assert found.mean() == pytest.approx(1, rel=1e-5)


def test_many_faces_at_once_are_read_as_one_by_one() -> None:
    meshes = np.stack([mesh(seed) for seed in range(3)])
    together = distances(chosen(meshes))
    assert together.shape == (3, 1, COUNT)
    assert together[2] == pytest.approx(distances(chosen(meshes[2])))


def test_a_twin_is_the_same_point_of_the_other_side() -> None:
    assert [TWINS[twin] for twin in TWINS] == list(range(len(POINTS)))
    for one, other in ((61, 291), (33, 263), (107, 336), (4, 4), (152, 152)):
        assert POINTS[TWINS[POINTS.index(one)]] == other


def test_a_mirrored_face_has_the_distances_of_the_twins() -> None:
    points = chosen(mesh())
    in_mirror = points[list(TWINS)] * np.array([-1, 1], np.float32)
    corner, tip, other_corner = (POINTS.index(number) for number in (61, 4, 291))
    assert np.linalg.norm(in_mirror[corner] - in_mirror[tip]) == pytest.approx(
        np.linalg.norm(points[other_corner] - points[tip])
    )
    assert sorted(distances(in_mirror)[0]) == pytest.approx(sorted(distances(points)[0]))


def test_depth_says_nothing() -> None:
    deeper = mesh() + np.array([0, 0, 9], np.float32) * np.random.default_rng(1).random((MESH_POINTS, 1), np.float32)
    assert distances(chosen(deeper)) == pytest.approx(distances(chosen(mesh())))


@pytest.mark.parametrize("shape", [(MESH_POINTS, 2), (478, 3), (68, 3)])
def test_another_mesh_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"a mesh is \[468, 3\]"):
        chosen(np.zeros(shape, np.float32))


@pytest.mark.parametrize("level", [0.0, math.nan, math.inf])
def test_points_without_a_distance_are_refused(level: float) -> None:
    with pytest.raises(ValueError, match="different points"), np.errstate(invalid="ignore"):
        distances(chosen(np.full((MESH_POINTS, 3), level, np.float32)))
