"""A sandbox bank in a process of its own, and a city that listens to it."""

import http.server
import json
import os
import queue
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import stripe

KEY = "sk_test_" + "k" * 32
CONTROL = "control-" + "p" * 24
SECRET = "whsec_" + "s" * 32


class Bank:
    """One sandbox on one folder; started again, it takes its old port."""

    def __init__(self, data: Path, **env: str) -> None:
        self.data, self.env, self.port = data, env, 0

    def __enter__(self) -> "Bank":
        return self.start()

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def start(self) -> "Bank":
        environment = {
            **os.environ,
            "MODE": "test",
            "STRIPE_API_KEY": KEY,
            "SANDBOX_CONTROL_PASSWORD": CONTROL,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "SANDBOX_WEBHOOK_URL": "",
            **self.env,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cityplatform.sandbox", "--data", self.data]
            + ["--port", str(self.port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert self.process.stderr
        line = self.process.stdout.readline()
        found = re.fullmatch(r"Sandbox bank on (http://127\.0\.0\.1:(\d+))\n", line)
        assert found, line + self.process.stderr.read()
        self.url, self.port = found[1], int(found[2])
        return self

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)

    def client(self, *, retries: int = 0, key: str = KEY, **more: Any) -> stripe.StripeClient:
        """The unchanged SDK."""
        return stripe.StripeClient(
            key, base_addresses={"api": self.url}, max_network_retries=retries, **more
        )

    def control(self, path: str, password: str = CONTROL, **form: str) -> Any:
        request = urllib.request.Request(
            f"{self.url}/control/{path}",
            data=urllib.parse.urlencode(form).encode() if form else None,
            headers={"Authorization": f"Bearer {password}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def advance(self, seconds: int) -> None:
        """Let the sandbox's clock run ahead."""
        self.control("clock", advance=str(seconds))

    def visit(self, url: str, form: dict[str, str] | None = None, **headers: str) -> "Visit":
        """What a browser gets that does not follow redirects."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(
            url, data=data, headers={name.replace("_", "-"): it for name, it in headers.items()}
        )
        try:
            with BROWSER.open(request, timeout=60) as answer:
                return Visit(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as other:
            return Visit(other.code, other.headers, other.read().decode())


class Visit:
    def __init__(self, status: int, headers: Any, html: str) -> None:
        self.status, self.headers, self.html = status, headers, html

    @property
    def to(self) -> str:
        return str(self.headers["Location"])


class Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


BROWSER = urllib.request.build_opener(Straight())


class City:
    """Listens for webhooks; answers with the statuses it was given, then with 200."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.answers: queue.Queue[int] = queue.Queue()
        city = self

        class Ear(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    status = city.answers.get_nowait()
                except queue.Empty:
                    status = 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                city.heard.put((dict(self.headers), body))

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/stripe/"

    def __enter__(self) -> "City":
        # Looks often whether it is over: at the usual pace each test would end half a second later.
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def hear(self, kind: str) -> tuple[dict[str, str], bytes]:
        """The next delivery of that type, past those of others."""
        while True:
            headers, body = self.heard.get(timeout=60)
            if json.loads(body)["type"] == kind:
                return headers, body
