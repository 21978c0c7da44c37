"""Camera and microphone in a real browser, whose devices are Chromium's own test signals."""

import base64

import pytest

from stages.runtime.pictures import shown_picture
from stages.runtime.sounds import decode_sound
from tests import makers, sounds
from tests.studio.browser import CHROMIUM, Browser
from tests.studio.conftest import saved_package, saved_run
from tests.studio.server import Server

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium here."),
]
PLAIN = "plain.test"  # a name of this machine that no browser trusts without HTTPS
DEVICES = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    f"--host-resolver-rules=MAP {PLAIN} 127.0.0.1",
)
RATE = 16000


@pytest.fixture
def server(tmp_path):
    server = Server(makers.settings(tmp_path).model_copy(update={"hosts": PLAIN}))
    yield server
    server.kill()


@pytest.fixture
def browser():
    browser = Browser(flags=DEVICES)
    yield browser
    browser.close()


def visible(name: str) -> str:
    return (
        "document.readyState === 'complete' && "
        f"document.getElementById('{name}')?.checkVisibility()"
    )


def has_captured(browser: Browser, count: int) -> None:
    browser.wait(f"document.querySelectorAll('#captured_list li').length === {count}")


def brought(server: Server, browser: Browser) -> dict[str, bytes]:
    """The files of the upload that the captured samples were sent as, by name."""
    browser.click("#bring_captured")
    browser.wait("/\\/bring\\/[0-9a-f]{16}/.test(location.pathname)")
    (files,) = (server.settings.root / "studio" / "uploads").glob("*/files")
    return {
        path.relative_to(files).as_posix(): path.read_bytes()
        for path in files.rglob("*")
        if path.is_file()
    }


def pictured(browser: Browser) -> None:
    browser.click("#open_camera")
    browser.wait("document.activeElement.id === 'take'")  # the camera is on
    browser.click("#take")


def recorded(browser: Browser) -> None:
    browser.click("#record")
    status = "document.getElementById('capture_status').textContent"
    browser.wait(f"parseFloat(({status}.match(/[\\d.]+/) || [0])[0]) >= 1")
    browser.click("#stop_recording")


def test_captured_samples_come_into_the_folder_of_their_label(server, browser):
    browser.open(server.page("/bring"))
    browser.wait(visible("open_camera"))
    for place, (label, take) in enumerate([("cup", pictured), ("beep", recorded)]):
        browser.value(f"document.getElementById('capture_label').value = '{label}'")
        take(browser)
        has_captured(browser, place + 1)
    files = brought(server, browser)

    (sound, picture) = sorted(files)
    assert (sound[:5], picture[:4]) == ("beep/", "cup/")
    height, width, _ = shown_picture(files[picture]).shape
    assert width >= height >= 240
    waveform = decode_sound(files[sound], RATE)
    assert 1.0 <= len(waveform) / RATE < 20.0
    assert abs(waveform).max() > 0.1  # Chromium's microphone beeps
    assert browser.log == []


def test_samples_without_a_label_are_listed_in_a_table(server, browser):
    browser.open(server.page("/bring"))
    browser.wait(visible("open_camera"))
    pictured(browser)
    has_captured(browser, 1)
    files = brought(server, browser)

    (picture,) = [name for name in files if name.endswith(".jpg")]
    assert files["labels.csv"].decode().splitlines() == ["file,label", f'"{picture}",""']


def test_a_label_that_cannot_be_a_folder_is_refused(server, browser):
    browser.open(server.page("/bring"))
    browser.wait(visible("open_camera"))
    browser.value("document.getElementById('capture_label').value = '../cup'")
    pictured(browser)
    browser.wait("document.getElementById('capture_label').validationMessage")

    has_captured(browser, 0)


def test_without_https_only_files_are_offered_and_a_sound_becomes_a_wav(server, browser, tmp_path):
    memo = tmp_path / "memo.ogg"
    memo.write_bytes(sounds.saved(sounds.tone(seconds=1.0), format="OGG"))
    browser.open(server.page("/bring", PLAIN))
    browser.wait(visible("own_recorder"))
    assert not browser.value(visible("open_camera"))
    browser.choose("#own_recorder", memo)
    has_captured(browser, 1)
    files = brought(server, browser)

    (name,) = [name for name in files if name.endswith(".wav")]
    assert len(decode_sound(files[name], RATE)) == pytest.approx(RATE, rel=0.05)


def answered(browser: Browser) -> str:
    browser.wait("document.querySelector('.answer:not(:has(.busy))')")
    return browser.value("document.querySelector('.answer').innerText")


def test_a_package_answers_what_the_camera_sees(server, browser, package_files):
    package = saved_package("colours", package_files["colours"], server.settings)
    saved_run("c", server.settings, package, "image_classification")
    browser.open(server.page(f"/try/{package.ref.id}"))
    browser.wait(visible("open_camera"))
    assert not browser.value(visible("record"))  # it takes pictures only
    pictured(browser)

    assert "picture_" in answered(browser)
    assert not browser.value("document.querySelector('.answer.problem')")


def test_a_pasted_picture_is_answered(server, browser, package_files):
    package = saved_package("colours", package_files["colours"], server.settings)
    browser.open(server.page(f"/try/{package.ref.id}"))
    browser.wait(visible("open_camera"))
    content = base64.b64encode(makers.picture()).decode()
    browser.value(
        f"{{ const data = Uint8Array.from(atob('{content}'), (letter) => letter.charCodeAt(0));"
        "const clipboardData = new DataTransfer();"
        "clipboardData.items.add(new File([data], 'pasted.png', {type: 'image/png'}));"
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData})); }"
    )

    assert "pasted.png" in answered(browser)
    assert not browser.value("document.querySelector('.answer.problem')")
