"""spanfit.json: what is written is what is read, and a wrong file says what is wrong in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.errors import ModelError
from spanfit.recipe import DecodeSection, WindowsSection
from spanfit.settings import FILE_NAME, Calibration, ModelSettings, read_settings

FINITE = st.floats(allow_nan=False, allow_infinity=False)

CALIBRATIONS = st.builds(
    Calibration,
    threshold=st.none() | FINITE,
    temperature=st.floats(min_value=1e-3, max_value=1e3),
    data_digest=st.text("0123456789abcdef", max_size=32),
    n_examples=st.integers(0, 10**9),
)

SETTINGS = st.builds(
    ModelSettings,
    windows=st.builds(
        WindowsSection, max_length=st.integers(100, 10**6), overlap=st.integers(0, 90)
    ),
    decode=st.builds(
        DecodeSection, n_best=st.integers(1, 1000), max_answer_tokens=st.integers(1, 1000)
    ),
    calibration=st.dictionaries(st.sampled_from(["torch", "onnx"]), CALIBRATIONS),
    ceiling=st.dictionaries(st.sampled_from(["squad_v2 f1", "squad_v2 exact"]), FINITE),
)


@given(settings=SETTINGS)
def test_settings_are_read_as_they_were_written(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    settings.save(folder)
    assert read_settings(folder) == settings


def test_a_folder_without_the_file_has_no_settings(tmp_path):
    assert read_settings(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"format_version": 2}, "format_version"),
        ({"task": "translation"}, "task"),
        ({"windows": {"max_length": "384"}}, "windows.max_length"),
        ({"decode": {"beam": 3}}, "decode.beam"),
        ({"calibration": {"torch": {"temperature": 0}}}, "calibration.torch.temperature"),
        ({"selected_on": "test"}, "selected_on"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(change, key, tmp_path):
    file = tmp_path / FILE_NAME
    file.write_text(json.dumps(ModelSettings().model_dump() | change), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        read_settings(tmp_path)
    assert caught.value.where == str(file)
    assert caught.value.problem.startswith(key + ": ")
    assert "format version 1" in caught.value.expected


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_a_broken_file_is_an_error(content, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ModelError, match="not JSON"):
        read_settings(tmp_path)


def test_a_list_is_no_settings(tmp_path):
    (tmp_path / FILE_NAME).write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match="all of it: "):
        read_settings(tmp_path)


def test_a_backend_of_its_own_has_its_calibration_and_others_the_torch_one():
    settings = ModelSettings(calibration={"torch": Calibration(threshold=0.25)})
    assert settings.calibration_of("torch").threshold == 0.25
    assert settings.calibration_of("onnx").threshold == 0.25
    assert ModelSettings().calibration_of("torch").threshold == 0.0
    never = ModelSettings(calibration={"torch": Calibration(threshold=None)})
    assert never.calibration_of("torch").threshold is None
