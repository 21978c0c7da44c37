"""aiwf conformance, bench and advise, as a person types them."""

import pytest
from typer.testing import CliRunner

from stages.cli.app import app
from stages.runtime.errors import ConfigError, UnknownPart


def output_of(*arguments):
    """What the command prints, or the error that it raises."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_a_demand_without_a_package_claims_no_figures():
    output = output_of("advise", "--demand", "throughput")

    assert "not measured here" in output
    assert "engine: onnxruntime" in output


def test_a_demand_that_is_misspelt_is_told_with_the_nearest():
    with pytest.raises(UnknownPart, match="Did you mean 'throughput'"):
        output_of("advise", "--demand", "thruput")


def test_without_a_terminal_nobody_is_asked():
    with pytest.raises(ConfigError, match="Say --demand with one of: demo, server"):
        output_of("advise")


def test_an_engine_that_is_misspelt_is_told_with_the_nearest():
    with pytest.raises(UnknownPart, match="Did you mean 'openvino'"):
        output_of("conformance", "open_vino")


def test_a_family_that_is_misspelt_is_told():
    with pytest.raises(UnknownPart, match="No model family is called 'mobilnet'"):
        output_of("conformance", "numpy", "--family", "mobilnet")


def test_a_package_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="There is no package"):
        output_of("bench", str(tmp_path / "nothing"))


def test_advice_for_a_device_names_its_profile_and_what_others_measured():
    output = output_of("advise", "--device", "raspberry_pi_4")

    assert "profile: raspberry_pi_4" in output
    assert "Published for it, not measured here:" in output
    assert "mobilenet_v2 at 224, float32: 93.5 ms" in output


def test_devices_are_listed_and_shown_with_their_sources():
    assert "raspberry_pi_5     Raspberry Pi 5" in output_of("devices")

    output = output_of("devices", "hi3559a")

    assert "3400 Gop/s in int8 (article on deployment" in output
    assert "HI_MPI_SVP_NNIE" in output


def test_a_device_that_is_misspelt_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match="No device is called 'raspberry4'") as caught:
        output_of("devices", "raspberry4")

    assert "Did you mean 'raspberry_pi_4'?" in caught.value.remedy
