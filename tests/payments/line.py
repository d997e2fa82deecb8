"""The telephone line to the bank, which does what lines do."""

import http.client
import http.server
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

BROKE = b'{"error": {"type": "api_error", "message": "It broke."}}'


class Line:
    """Passes requests on to the bank and its answers back, unless told to go wrong.

    `goes_wrong` is asked once per request that changes something: None lets it pass, `"before"`
    hangs up before the bank has heard, `"after"` when it has answered, a status answers that
    instead of what the bank answered.  When the bank has answered, `"reset"` cuts the line,
    `"late"` waits until nobody listens any more, `"garbled"` and `"cut"` hand over half of the
    answer, as if it were whole and with the rest to come; `"busy"` says 429, and the bank has not
    heard.
    """

    def __init__(self, bank: str) -> None:
        self.goes_wrong: Callable[[], str | int | None] = lambda: None
        self.heard_by_bank: list[tuple[str, str]] = []
        self.went_wrong: Counter[str] = Counter()
        self.late_by = 1.0
        line, there = self, urlsplit(bank)

        class Exchange(http.server.BaseHTTPRequestHandler):
            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = line.goes_wrong() if self.command == "POST" else None
                if fault is not None:
                    line.went_wrong[str(fault)] += 1
                if fault == "before":
                    self.hang_up()
                    return
                if fault == "busy":
                    self.answer(429, BROKE)
                    return
                call = http.client.HTTPConnection(there.hostname, there.port, timeout=60)
                call.request(self.command, self.path, body, dict(self.headers))
                answer = call.getresponse()
                text = answer.read()
                call.close()
                if self.command == "POST":
                    key = self.headers.get("Idempotency-Key", "")
                    line.heard_by_bank.append((self.path, key))
                match fault:
                    case None:
                        self.answer(answer.status, text)
                    case "after" | "reset":
                        self.hang_up(is_rude=fault == "reset")
                    case "late":
                        line.over.wait(line.late_by)
                        self.hang_up()
                    case "garbled":
                        self.answer(answer.status, text[: len(text) // 2])
                    case "cut":
                        self.answer(answer.status, text[: len(text) // 2], to_come=len(text) // 2)
                        self.hang_up()
                    case _:
                        self.answer(int(fault), BROKE)

            def answer(self, status: int, text: bytes, to_come: int = 0) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text) + to_come))
                self.end_headers()
                self.wfile.write(text)

            def hang_up(self, *, is_rude: bool = False) -> None:
                self.close_connection = True
                if is_rude:
                    # With nothing lingering the other side is told that the line was reset.
                    option = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
                self.connection.close()

            do_GET = do_POST = do_DELETE = pass_on

            def log_message(self, *args: Any) -> None:
                pass

        self.over = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Line":
        # Looks often whether it is over: at the usual pace each test would end half a second later.
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def fail(self, how: str | int, times: int) -> None:
        """Go wrong so many times, then never again."""
        faults = iter([how] * times)
        self.goes_wrong = lambda: next(faults, None)
