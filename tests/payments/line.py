"""The telephone line to the bank, which does what lines do."""

import http.client
import http.server
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit


class Line:
    """Passes requests on to the bank and its answers back, unless told to go wrong.

    `goes_wrong` is asked once per request that changes something: None lets it pass, `"before"`
    hangs up before the bank has heard, `"after"` when it has answered, a status answers that
    instead of what the bank answered.
    """

    def __init__(self, bank: str) -> None:
        self.goes_wrong: Callable[[], str | int | None] = lambda: None
        self.heard_by_bank: list[tuple[str, str]] = []
        line, there = self, urlsplit(bank)

        class Exchange(http.server.BaseHTTPRequestHandler):
            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = line.goes_wrong() if self.command == "POST" else None
                if fault == "before":
                    self.hang_up()
                    return
                call = http.client.HTTPConnection(there.hostname, there.port, timeout=60)
                call.request(self.command, self.path, body, dict(self.headers))
                answer = call.getresponse()
                text = answer.read()
                call.close()
                if self.command == "POST":
                    key = self.headers.get("Idempotency-Key", "")
                    line.heard_by_bank.append((self.path, key))
                if fault == "after":
                    self.hang_up()
                    return
                if fault is not None:
                    text = b'{"error": {"type": "api_error", "message": "It broke."}}'
                self.send_response(answer.status if fault is None else int(fault))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def hang_up(self) -> None:
                self.close_connection = True
                self.connection.close()

            do_GET = do_POST = do_DELETE = pass_on

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Line":
        # Looks often whether it is over: at the usual pace each test would end half a second later.
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fail(self, how: str | int, times: int) -> None:
        """Go wrong so many times, then never again."""
        faults = iter([how] * times)
        self.goes_wrong = lambda: next(faults, None)
