"""A headless Chromium driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).

One page at a time: open it, ask it in JavaScript, press keys, take its picture, and read which requests it made.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

# Words (or parts of one, between its joints) that stand on two lines, with what stands around them.
BROKEN = """(() => {
  const shown = document.querySelector('main') ?? document.body;
  const found = [], walker = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    for (const word of node.data.matchAll(/[A-Za-z0-9]{2,20}/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = [...range.getClientRects()].map(each => each.top);
      if (!tops.length || Math.max(...tops) - Math.min(...tops) < 4) continue;
      found.push(`${word[0]} in ${node.parentElement.closest('td, p, li, dd, pre')?.textContent.slice(0, 90)}`);
    }
  }
  return found;
})()"""
PATIENCE = 60.0  # seconds for one answer; a loaded machine needs many


class Page:
    """One tab. ``requests`` are the addresses that it asked for, ``said`` what its console and its errors said."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket, self._last, self._session = socket, 0, ""
        self.requests: list[str] = []
        self.said: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; what happens meanwhile is noted."""
        self._last += 1
        told: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            told["sessionId"] = self._session
        self._socket.send(json.dumps(told))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _note(self, event: str, facts: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])
        elif event == "Log.entryAdded":
            self.said.append(f"{facts['entry']['level']}: {facts['entry']['text']}")
        elif event == "Runtime.exceptionThrown":
            self.said.append(f"error: {json.dumps(facts['exceptionDetails'])[:2000]}")

    def open(self, address: str) -> None:
        """Go there and wait until everything is loaded."""
        self.requests.clear()
        self.said.clear()
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def ask(self, expression: str) -> Any:
        """The value of an expression; a promise is awaited."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", **asked)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression[:200]}: {json.dumps(answer['exceptionDetails'])[:2000]}")
        return answer["result"].get("value")

    def until(self, expression: str, patience: float = PATIENCE) -> Any:
        """Wait until the expression is true; TimeoutError names it when it never is."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            value = self.ask(expression)
            if value:
                return value
            time.sleep(0.1)
        raise TimeoutError(f"not true after {patience:g} s: {expression[:300]}")

    def size(self, width: int, height: int = 900) -> None:
        """Show the page in a window of that size, in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, media: str = "screen", scheme: str = "light") -> None:
        """Show the page as on that medium, in the light or the dark scheme."""
        self.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def press(self, key: str, code: int, text: str = "", modifiers: int = 0) -> None:
        """Press and let go one key, by its name and its Windows code; ``text`` is what it types, Ctrl is modifier 2."""
        for kind, typed in (("keyDown", {"text": text} if text else {}), ("keyUp", {})):
            facts = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers, **typed}
            self.call("Input.dispatchKeyEvent", type=kind, **facts)

    def click(self, selector: str) -> None:
        """Click where the first element of that selector is."""
        x, y = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, file: Path, whole: bool = False) -> Path:
        """Write what is to be seen as PNG: the window, or the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))
        return file


@contextmanager
def opened(program: Path, folder: Path) -> Iterator[Page]:
    """A page of a browser that keeps everything in ``folder`` and is ended afterwards."""
    command = [str(program), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
               "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            port, path = _address(folder / "DevToolsActivePort", process)
            socket = websocket.create_connection(
                f"ws://127.0.0.1:{port}{path}", timeout=PATIENCE, suppress_origin=True, http_no_proxy=["127.0.0.1"]
            )
            try:
                yield Page(socket)
            finally:
                socket.close()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(file: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if file.exists() and len(lines := file.read_text("utf-8").split()) == 2:
            return lines[0], lines[1]
        time.sleep(0.05)
    raise TimeoutError(f"Chromium told no address in {file} (its exit status: {process.poll()})")
