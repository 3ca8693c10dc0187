"""Firefox without a window, by WebDriver BiDi: Playwright drives no stock Firefox, and Debian has no geckodriver."""

import contextlib
import json
import os
import signal
import subprocess
import time
from urllib.parse import urlsplit

import websocket  # of websocket-client

PATIENCE = 60  # seconds for whatever is waited for
# Nobody answers at port 9 and names aren't looked up, so neither pages nor Firefox itself get out. Updates and the like
# it leaves by itself where it is driven.
SETTINGS = {
    "network.dns.disabled": True,
    "network.proxy.type": 1,
    "network.proxy.allow_hijacking_localhost": True,
    **{f"network.proxy.{kind}": "127.0.0.1" for kind in ("http", "ssl", "socks")},
    **{f"network.proxy.{kind}_port": 9 for kind in ("http", "ssl", "socks")},
}
KEYS = {"ArrowRight": "\ue014", "Home": "\ue011"}  # as WebDriver names them


@contextlib.contextmanager
def running(path, folder):
    """A `Firefox` that has its profile and its home in an empty folder."""
    settings = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in SETTINGS.items()]
    (folder / "user.js").write_text("\n".join(settings))
    # It ends with its parent, too, were that killed.
    command = ["setpriv", "--pdeathsig", "KILL", path, "--headless", "--no-remote", "--profile", folder]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"],  # 0: one that is free
            env=os.environ | {"HOME": str(folder)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = _address(process, folder)
        # Firefox turns away whoever comes from a page, with an origin.
        options = {"timeout": PATIENCE, "suppress_origin": True, "http_no_proxy": ["127.0.0.1"]}
        with contextlib.closing(websocket.create_connection(address, **options)) as socket:
            yield Firefox(socket)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the processes of pages, too
        process.wait()


def _address(process, folder):
    """Where Firefox listens, once it does."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # not there yet, or half of it
            server = json.loads((folder / "WebDriverBiDiServer.json").read_text())
            return f"ws://{server['ws_host']}:{server['ws_port']}/session"
        time.sleep(0.05)
    raise RuntimeError(f"Firefox doesn't listen:\n{(folder / 'log').read_text()}")


class Firefox:
    """One page, with what went wrong there and what was asked of hosts."""

    def __init__(self, socket):
        self.errors, self.requests_outside = [], []
        self._socket, self._sent = socket, 0
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self._context = self._send("browsingContext.getTree")["contexts"][0]["context"]
        self._send("browsingContext.setViewport", context=self._context, viewport={"width": 1280, "height": 900})

    def _send(self, method, **params):
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while (message := json.loads(self._socket.recv())).get("id") != self._sent:
            if message["type"] == "event":
                self._note(message["method"], message["params"])
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def _note(self, event, params):
        if event == "log.entryAdded" and params["level"] == "error":  # not caught, or of console.error
            self.errors.append(params["text"])
        if event == "network.beforeRequestSent":
            url = params["request"]["url"]
            if urlsplit(url).scheme not in ("file", "blob", "data"):
                self.requests_outside.append(url)

    def open(self, path):
        self._send("input.releaseActions", context=self._context)  # what a test that failed left pressed
        self._send("browsingContext.navigate", context=self._context, url=path.as_uri(), wait="complete")

    def evaluate(self, function, *arguments):
        """What a function of JavaScript returns in the page, as far as JSON can hold it."""
        call = f"(async () => JSON.stringify(await ({function})(...{json.dumps(arguments)})) ?? 'null')()"
        answer = self._send("script.evaluate", expression=call, awaitPromise=True, target={"context": self._context})
        if answer["type"] == "exception":
            raise RuntimeError(f"{answer['exceptionDetails']['text']} in {function}")
        return json.loads(answer["result"]["value"])

    def next_frame(self):
        self.evaluate("() => new Promise(requestAnimationFrame)")

    def wait(self, condition, *arguments):
        """Look once a frame until a function of Python returns something true, which is returned."""
        end = time.monotonic() + PATIENCE
        while not (found := condition(*arguments)):
            assert time.monotonic() < end, f"not in {PATIENCE} seconds; errors in the page: {self.errors}"
            self.next_frame()
        return found

    def box(self, selector):
        """Left, top, width and height in the window, after scrolling there."""
        return self.evaluate(
            """selector => {
                const element = document.querySelector(selector);
                element.scrollIntoView({ behavior: "instant", block: "center" });
                const { left, top, width, height } = element.getBoundingClientRect();
                return [left, top, width, height];
            }""",
            selector,
        )

    def mouse(self, *steps):
        """Move to places `(x, y)` in the window, press ("down") and lift ("up") the left button."""
        kinds = {"down": "pointerDown", "up": "pointerUp"}
        actions = [
            {"type": kinds[step], "button": 0}
            if step in kinds
            else {"type": "pointerMove", "x": round(step[0]), "y": round(step[1])}
            for step in steps
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def press(self, selector, key):
        """Give an element the focus and press a key."""
        self.evaluate("selector => document.querySelector(selector).focus()", selector)
        actions = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": actions})

    def _act(self, source):
        self._send("input.performActions", context=self._context, actions=[source])
