"""A real Chromium, driven through chromedriver by the WebDriver protocol (W3C), with the standard library alone."""
import base64
import contextlib
import json
import re
import shutil
import subprocess
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"left": "\ue012", "up": "\ue013", "right": "\ue014", "down": "\ue015", "tab": "\ue004", "shift": "\ue008"}


def missing():
    """The name of a program that is not there, or None."""
    return next((name for name in ("chromium", "chromedriver") if shutil.which(name) is None), None)


class Browser:
    """One window of a headless Chromium."""

    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"
        options = {"binary": shutil.which("chromium"),
                   "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]}
        capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.base += f"/session/{session['sessionId']}"

    def _call(self, method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, content, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, url, width, height=900):
        """Load a page in a viewport of exactly this width."""
        self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}})
        self._call("POST", "/url", {"url": url})

    def emulate(self, media, scheme):
        """Show the page as on "screen" or in "print", to a reader who prefers "light" or "dark"."""
        self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]}})

    def run(self, script, *arguments):
        """What a piece of JavaScript returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def keys(self, selector, *names):
        """Press keys, by name or as they are, in the element."""
        element = self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        self._call("POST", f"/element/{element}/value", {"text": "".join(KEYS.get(name, name) for name in names)})

    def move_to(self, selector, right, down):
        """Put the pointer at a place of the element, given from its upper left corner in CSS pixels."""
        box = self.run("const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'center'});"
                       "const b = e.getBoundingClientRect(); return [b.left, b.top]", selector)
        move = {"type": "pointerMove", "duration": 0, "x": round(box[0] + right), "y": round(box[1] + down)}
        self._call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [move]}]})

    def complaints(self):
        """Lines of the console that are warnings or errors."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("WARNING", "SEVERE")]

    def picture(self, path):
        """Save what the window shows as PNG."""
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def close(self):
        self._call("DELETE", "")


@contextlib.contextmanager
def browser():
    """A Browser that is closed, and whose driver ends, afterwards."""
    driver = subprocess.Popen([shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, text=True)
    with driver:
        try:
            port = next(int(found[1]) for line in driver.stdout if (found := re.search(r"on port (\d+)\.", line)))
            window = Browser(port)
            try:
                yield window
            finally:
                window.close()
        finally:
            driver.terminate()
