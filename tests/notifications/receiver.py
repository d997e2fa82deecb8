"""A push server and the browsers behind it: small, and real on the wire.

It takes what RFC 8030 says, checks who sent it (RFC 8292), and opens it with the browser's own
keys (RFC 8291), which our side never sees.
"""

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02


def text_of(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


@dataclass
class Message:
    """One push, opened."""

    said: dict[str, Any]
    ttl: int
    urgency: str
    topic: str


@dataclass
class Browser:
    """A subscription, with the private halves that only a browser has."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey
    secret: bytes
    # What the server answers to whoever pushes.
    status: int = 201
    heard: list[Message] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def p256dh(self) -> str:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return text_of(point)

    @property
    def auth(self) -> str:
        return text_of(self.secret)

    @property
    def subscription(self) -> dict[str, Any]:
        keys = {"p256dh": self.p256dh, "auth": self.auth}
        return {"endpoint": self.endpoint, "keys": keys}


class PushServer(ThreadingHTTPServer):
    """Listens on a free port of this machine for as long as the block lasts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.browsers: dict[str, Browser] = {}

    def __enter__(self) -> "PushServer":
        # Looks often whether it is over: at the usual pace each test would end half a second later.
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def browser(self) -> Browser:
        """Somebody lets a page ring them."""
        name = f"/push/{len(self.browsers)}"
        key = ec.generate_private_key(ec.SECP256R1())
        secret = bytes(range(16))
        self.browsers[name] = Browser(f"{self.origin}{name}", key, secret)
        return self.browsers[name]


class Handler(BaseHTTPRequestHandler):
    server: PushServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        browser = self.server.browsers.get(self.path)
        if browser is None:
            self.answer(404)
            return
        if browser.status != 201:
            self.answer(browser.status)
            return
        try:
            browser.heard.append(self.opened(browser, body))
        except Exception as error:
            browser.refused.append(f"{type(error).__name__}: {error}")
            self.answer(400)
        else:
            self.answer(201)

    def opened(self, browser: Browser, body: bytes) -> Message:
        sender = self.headers["Authorization"]
        assert Vapid02.verify(sender)
        token = sender.split("t=")[1].split(",")[0]
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert claims["aud"] == self.server.origin
        assert claims["sub"].startswith("mailto:")
        assert self.headers["Host"] == self.server.origin.removeprefix("http://")
        assert self.headers["Content-Encoding"] == "aes128gcm"
        plain = http_ece.decrypt(
            body, private_key=browser.key, auth_secret=browser.secret, version="aes128gcm"
        )
        return Message(
            json.loads(plain),
            int(self.headers["TTL"]),
            self.headers["Urgency"],
            self.headers["Topic"],
        )

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return
