"""A Chromium without a window, driven through its DevTools protocol."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
PATIENCE = 60.0  # seconds


class Browser:
    """One page. `log`: what it wrote to its console, and its errors. `flags`: further ones of
    Chromium's."""

    def __init__(
        self, width: int = 1280, height: int = 800, dark: bool = False, flags: Sequence[str] = ()
    ) -> None:
        from websockets.sync.client import connect

        self.log: list[str] = []
        self._number = 0
        self._folder = TemporaryDirectory(ignore_cleanup_errors=True)
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio"]
        command += ["--remote-debugging-port=0", f"--user-data-dir={self._folder.name}"]
        command += [f"--window-size={width},{height}", *flags, "about:blank"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._socket = connect(self._address(), max_size=None)
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """The result of a command of the protocol."""
        self._number = number = self._number + 1
        self._socket.send(json.dumps({"id": number, "method": method, "params": values}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def resize(self, width: int, height: int = 800) -> None:
        """Give the page this size in pixels; one under 600 is a telephone's."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def value(self, expression: str) -> Any:
        """What the JavaScript `expression` gives; promises are awaited."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, expression: str, patience: float = PATIENCE) -> None:
        """Wait until `expression` is true, `patience` seconds at most."""
        end = time.monotonic() + patience
        while not self._is_true(expression):
            assert time.monotonic() < end, (expression, self.log)
            time.sleep(0.05)

    def follow(self, selector: str, path: str, patience: float = PATIENCE) -> None:
        """Click at `selector`, and wait until the page whose address begins with `path` is there.
        `patience`: seconds."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"document.readyState === 'complete' && {found}", patience)
        self.click(selector)
        self.arrive(path, patience)

    def arrive(self, path: str, patience: float = PATIENCE) -> None:
        """Wait until the page whose address begins with `path` is there."""
        here = f"location.pathname.startsWith({json.dumps(path)})"
        self.wait(f"document.readyState === 'complete' && {here}", patience)

    def drop(self, selector: str, *paths: Path) -> None:
        """Drop files at `selector`."""
        x, y = self.middle(selector)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def _is_true(self, expression: str) -> bool:
        """Whether `expression` is true; not while a page gives way to another."""
        try:
            return bool(self.value(f"Boolean({expression})"))
        except AssertionError as error:
            if not any(reason in str(error) for reason in ("context", "navigated")):
                raise
            return False

    def key(self, key: str, modifiers: int = 0) -> None:
        """Press and release a key. `modifiers`: 1 Alt, 2 Ctrl, 8 Shift."""
        text = {"text": key} if len(key) == 1 and not modifiers & 3 else {}
        codes = {"Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "Delete": 46, "Tab": 9}
        code = codes.get(key, ord(key.upper()) if len(key) == 1 else 0)
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def drag(self, *points: tuple[float, float], modifiers: int = 0) -> None:
        """Press at the first of `points`, go through the others and release at the last."""
        pressed = {"button": "left", "clickCount": 1, "modifiers": modifiers}
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, buttons=1, **pressed)

    def click(self, selector: str, modifiers: int = 0) -> None:
        self.drag(self.middle(selector), modifiers=modifiers)

    def choose(self, selector: str, *paths: Path) -> None:
        """Choose files in the file input at `selector`."""
        found = self.call(
            "Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})"
        )
        files = [str(path) for path in paths]
        self.call("DOM.setFileInputFiles", files=files, objectId=found["result"]["objectId"])

    def middle(self, selector: str) -> tuple[float, float]:
        """The middle of an element, after it was scrolled to."""
        place = (
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect();"
            "return [r.left + r.width / 2, r.top + r.height / 2]; })()"
        )
        x, y = self.value(place)
        return x, y

    def screenshot(self, path: Path, whole: bool = False) -> None:
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def _address(self) -> str:
        """The page's address in the protocol, when the browser has started."""
        from urllib.request import urlopen

        port_file, end = Path(self._folder.name, "DevToolsActivePort"), time.monotonic() + PATIENCE
        while not (port_file.is_file() and "\n" in port_file.read_text()):
            assert time.monotonic() < end, "The browser does not start."
            time.sleep(0.05)
        port = port_file.read_text().split()[0]
        while True:
            with urlopen(f"http://127.0.0.1:{port}/json/list") as listed:
                pages = [each for each in json.load(listed) if each["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
            assert time.monotonic() < end, "The browser has no page."
            time.sleep(0.05)

    def _note(self, message: dict[str, Any]) -> None:
        values = message.get("params", {})
        if message.get("method") == "Page.javascriptDialogOpening":  # the page wants to stay
            self._number += 1
            accept = {"method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
            self._socket.send(json.dumps({"id": self._number, **accept}))
        if message.get("method") == "Runtime.exceptionThrown":
            self.log.append(json.dumps(values["exceptionDetails"])[:600])
        if message.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled"):
            self.log.append(json.dumps(values)[:400])
