from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from robotd.config import Config
from robotd.configfile import load, masked
from robotd.errors import ConfigError
from robotd.paths import shipped


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_says_exactly_the_defaults() -> None:
    path = shipped("config.yaml")
    assert load(path) == Config()
    assert yaml.safe_load(path.read_text()).keys() == Config.model_fields.keys()


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path, "robot_id: a b\nmqt:\n  host: x\ncamera:\n  rate_hz: fast\n  rat_hz: 3\nfusion:\n  wieghts: 1\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(path)
    told = str(caught.value)
    assert "config.yaml, line 1: robot_id" in told
    assert "config.yaml, line 2: there is no key mqt; did you mean mqtt?" in told
    assert "line 5: camera.rate_hz" in told
    assert "'fast'" in told
    assert "line 6: there is no key camera.rat_hz; did you mean camera.rate_hz?" in told
    assert "line 8: there is no key fusion.wieghts; did you mean fusion.weights?" in told
    assert caught.value.exit_code == 78


def test_a_key_that_stands_twice_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 3: mqtt stands twice \\(first in line 1\\)"):
        load(written(tmp_path, "mqtt:\n  host: a\nmqtt:\n  port: 1\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mqtt: [", "line 1: not valid YAML"),
        ("- a\n- b\n", "must hold keys and values, not a list"),
        ("fusion: {weights: {face: 0, voice: 0, words: 0}}", "at least one weight"),
        ("fusion: {unsure_below: 0.5}", "less than sure_above"),
        ("mqtt: {password: a, password_file: b}", "not both"),
        ("feeling: {smoothing_s: .nan}", "finite"),
    ],
)
def test_mistakes_are_told_clearly(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(written(tmp_path, text))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.yaml")


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "# nothing yet\n")) == Config()


def test_any_key_can_be_set_on_the_command_line() -> None:
    config = load(None, ["mqtt.host=broker", "fusion.weights={face: 0.6, voice: 0.4}", "midi.record=x.mid"])
    assert config.mqtt.host == "broker"
    assert config.fusion.weights.face == 0.6
    assert config.midi.record == Path("x.mid")


@pytest.mark.parametrize("override", ["mqtt.host", "=3", "mqtt.port=[", "mqtt.prot=1"])
def test_a_wrong_override_is_told(override: str) -> None:
    with pytest.raises(ConfigError):
        load(None, [override])


def test_secrets_are_masked_wherever_they_are_shown() -> None:
    config = load(None, ["mqtt.password=hunter2"])
    assert "hunter2" not in f"{config!r} {masked(config)} {config.model_dump_json()}"
    assert config.mqtt.password is not None
    assert config.mqtt.password.get_secret_value() == "hunter2"


def test_the_password_of_a_camera_is_masked_too() -> None:
    config = load(None, ["camera.source=rtsp://me:hunter2@camera/live"])
    assert masked(config)["camera"]["source"] == "rtsp://**********@camera/live"


def test_a_password_on_the_command_line_is_text_whatever_it_looks_like() -> None:
    config = load(None, ["mqtt.password=012345"])
    assert config.mqtt.password is not None
    assert config.mqtt.password.get_secret_value() == "012345"


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, ["mqtt={password: 123456}"])
    assert "123456" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(["face", "voice", "words"]), st.floats(0.01, 100), min_size=1))
def test_weights_survive_being_written_and_read(weights: dict[str, float]) -> None:
    config = load(None, [f"fusion.weights={yaml.safe_dump(weights, default_flow_style=True)}"])
    assert {name: getattr(config.fusion.weights, name) for name in weights} == pytest.approx(weights)
