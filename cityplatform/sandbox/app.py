"""The server: who may ask, which endpoint answers, one transaction per request."""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from cityplatform.sandbox import (
    clock,
    endpoints,
    errors,
    forms,
    hosted,
    params,
    refunds,
    webhooks,
)
from cityplatform.sandbox.config import Config
from cityplatform.sandbox.endpoints import Call, Endpoint
from cityplatform.sandbox.errors import Json, StripeError
from cityplatform.sandbox.store import Store, new_id

log = logging.getLogger("cityplatform.sandbox")
LARGEST = 1_000_000
KEY_LASTS = 24 * 3600  # seconds of the sandbox's own clock, as at Stripe
REGISTERED = (refunds,)  # imported for the endpoints it registers; the others come with it


class Server:
    """One sandbox: its store, the single thread that works on it, and the courier of events."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store(config.file)
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="sandbox")
        self.in_progress: set[tuple[str, str]] = set()
        self.news = asyncio.Event()
        self.routes = [(endpoint, endpoints.pattern(endpoint.path)) for endpoint in ENDPOINTS]

    async def work[T](self, job: Callable[[], T]) -> T:
        """Run a job where the store lives."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, job)

    # Stripe's API

    async def api(self, request: Request) -> Response:
        """Answer one API request as Stripe would."""
        identifier = new_id("req")
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        account = request.headers.get("stripe-account", "")
        replayed = False
        try:
            self.authenticate(request)
            body = await limited(request)
            endpoint, ids = self.match(request.method, request.url.path)
            mark = (account, key) if key else None
            if key is not None and len(key) > 255:
                raise errors.malformed("Idempotency-Key may have up to 255 characters.")
            if mark and mark in self.in_progress:
                raise errors.key_in_use(mark[1])
            text = body.decode() if request.method == "POST" else request.url.query
            if mark:
                self.in_progress.add(mark)
            try:
                status, answer, replayed = await self.work(
                    lambda: self.handle(endpoint, ids, text, account, key, identifier)
                )
            finally:
                if mark:
                    self.in_progress.discard(mark)
        except StripeError as error:
            status, answer = error.status, error_body(error)
        except UnicodeDecodeError:
            status, answer = 400, error_body(errors.malformed("The request is not UTF-8 text."))
        except Exception:
            log.exception("request %s failed", identifier)
            status, answer = 500, error_body(errors.broken())
        self.news.set()
        headers = {
            "Request-Id": identifier,
            "Stripe-Version": request.headers.get("stripe-version", endpoints.API_VERSION),
        }
        if key:
            headers["Idempotency-Key"] = key.encode("latin-1", "replace").decode("latin-1")
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer, status, headers, "application/json")

    def authenticate(self, request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip() if kind.lower() == "bearer" else ""
        if not hmac.compare_digest(given.encode(), self.config.api_key.encode()):
            raise errors.unauthenticated(given)

    def match(self, method: str, path: str) -> tuple[Endpoint, Json]:
        for endpoint, shape in self.routes:
            if endpoint.method == method and (found := shape.fullmatch(path)):
                return endpoint, {**found.groupdict(), "url": path}
        raise errors.unknown_url(method, path)

    def handle(
        self, endpoint: Endpoint, ids: Json, text: str, account: str, key: str | None, request: str
    ) -> tuple[int, str, bool]:
        """One request, one transaction: status, body, and whether it is the first answer again."""
        with self.store.transaction():
            clock.tick(self.store, self.config)
            if account and self.store.get(account, kind="account", account="") is None:
                raise errors.foreign_account(account)
            given = forms.decode(text)
            moment = clock.now(self.store)
            self.store.db.execute("DELETE FROM answers WHERE asked <= ?", (moment - KEY_LASTS,))
            print_of = fingerprint(endpoint.method, ids["url"], given)
            if key and (known := self.answered(account, key)):
                if known[0] != print_of:
                    raise errors.key_reused(key)
                return known[1], known[2], True
            call = Call(
                self.store, self.config, moment, account, ids=ids, key=key,
                request=request,
            )  # fmt: skip
            status, answer = self.attempt(endpoint, call, given)
            if key:
                self.store.db.execute(
                    "INSERT INTO answers (account, key, fingerprint, request, status, body, asked)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (account, key, print_of, request, status, answer, moment),
                )
        return status, answer, False

    def answered(self, account: str, key: str) -> tuple[str, int, str] | None:
        row = self.store.db.execute(
            "SELECT fingerprint, status, body FROM answers WHERE account = ? AND key = ?",
            (account, key),
        ).fetchone()
        return (row["fingerprint"], row["status"], row["body"]) if row else None

    def attempt(self, endpoint: Endpoint, call: Call, given: Json) -> tuple[int, str]:
        """Run the handler; a refusal undoes what it changed, unless it is to be remembered."""
        database = self.store.db
        database.execute("SAVEPOINT attempt")
        try:
            call.params = params.check(endpoint.fields, given)
            body = endpoint.answer(call)
            body = endpoints.expanded(call, body, call.params.get("expand", []))
            return 200, json.dumps(body, indent=2)
        except StripeError as error:
            if not error.keep:
                database.execute("ROLLBACK TO attempt")
            if error.before:
                raise
            return error.status, error_body(error)
        finally:
            if database.in_transaction:
                database.execute("RELEASE attempt")

    # Pages for people

    async def page(self, request: Request, job: Callable[[Call], hosted.Page]) -> Response:
        """Answer a browser; a page is one transaction too."""

        def turn() -> hosted.Page:
            with self.store.transaction():
                clock.tick(self.store, self.config)
                return job(Call(self.store, self.config, clock.now(self.store)))

        page = await self.work(turn)
        self.news.set()
        if page.to:
            return RedirectResponse(page.to, page.status, PRIVATE)
        policy = (
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action {' '.join(["'self'", *origins(page.leads)])}"
        )
        headers = {**PRIVATE, "Content-Security-Policy": policy}
        return Response(page.html, page.status, headers, "text/html")

    async def pay(self, request: Request) -> Response:
        """The hosted page of a checkout session."""
        identifier, accepted = request.path_params["id"], accepts(request)
        form = await form_of(request)
        chosen = request.query_params.get("card", "")

        def turn(call: Call) -> hosted.Page:
            owner = self.store.owner(identifier)
            session = (
                self.store.get(identifier, kind="checkout.session", account=owner)
                if owner is not None
                else None
            )
            if session is None:
                return hosted.nowhere(accepted)
            call = call.at(owner or "")
            if request.method == "POST":
                return hosted.enter(call, session, form, accepted)
            return hosted.show(call, session, chosen, accepted)

        return await self.page(request, turn)

    async def approve(self, request: Request) -> Response:
        """The bank's page where the holder of a card approves or refuses."""
        identifier, accepted = request.path_params["id"], accepts(request)
        form = await form_of(request)
        secret = request.query_params.get("secret", "")

        def turn(call: Call) -> hosted.Page:
            owner = self.store.owner(identifier)
            intent = self.store.get(identifier, account=owner) if owner is not None else None
            known = str((intent or {}).get("client_secret", ""))
            if not (intent and known and hmac.compare_digest(known.encode(), secret.encode())):
                return hosted.nowhere(accepted)
            call = call.at(owner or "")
            if request.method == "POST" and form.get("answer") in ("approve", "refuse"):
                approved = form["answer"] == "approve"
                return hosted.answer(call, intent, approved=approved, accepted=accepted)
            return hosted.approval(call, intent, accepted)

        return await self.page(request, turn)

    async def front(self, request: Request) -> Response:
        """For whoever opens the address to see what is there."""
        return await self.page(request, lambda call: hosted.front(accepts(request)))

    async def style(self, request: Request) -> Response:
        return Response(hosted.STYLE, media_type="text/css")

    # Control

    async def control(self, request: Request) -> Response:
        """For the installation itself: the clock and the deliveries, behind a password."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.config.control_password.encode()):
            return JSONResponse({"error": "The control password is wrong."}, 401)
        if request.url.path == "/control/deliveries":
            return JSONResponse(await self.work(lambda: webhooks.deliveries(self.store)))
        form = await form_of(request)
        if request.url.path == "/control/faults":
            return await self.go_wrong(form)
        seconds = form.get("advance", "")
        if not re.fullmatch(r"[0-9]{1,9}", seconds):
            return JSONResponse({"error": "Say how many seconds to advance."}, 400)

        def turn() -> int:
            with self.store.transaction():
                self.store.advance(int(seconds))
                clock.tick(self.store, self.config)
                return clock.now(self.store)

        moment = await self.work(turn)
        self.news.set()
        return JSONResponse({"now": moment})

    async def go_wrong(self, form: dict[str, str]) -> Response:
        """Events doubled, late, out of order or lost from now on; an empty form ends all that."""
        for name, value in form.items():
            most = webhooks.FAULTS.get(name)
            if most is None or not re.fullmatch(r"[0-9]{1,6}", value) or int(value) > most:
                asked = ", ".join(
                    f"{fault} up to {most}" for fault, most in webhooks.FAULTS.items()
                )
                return JSONResponse({"error": f"Say what goes wrong: {asked}."}, 400)
        faults = {name: int(value) for name, value in form.items() if int(value)}

        def turn() -> None:
            with self.store.transaction():
                self.store.go_wrong(faults)

        await self.work(turn)
        return JSONResponse(faults)

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    # The courier

    async def deliver(self) -> None:
        """Bring events to the city, for ever."""
        while True:
            self.news.clear()
            pause = 1.0
            try:
                if self.config.webhook_url:
                    await self.round()
                    pause = await self.work(self.pause)
                await self.work(self.turn_clock)
            except Exception:
                log.exception("a delivery round failed")
            try:
                await asyncio.wait_for(self.news.wait(), pause)
            except TimeoutError:
                continue

    async def round(self) -> None:
        while due := await self.work(lambda: webhooks.waiting(self.store, time.time())):
            await asyncio.gather(*(self.send(*delivery) for delivery in due))

    async def send(self, number: int, attempts: int, body: str) -> None:
        arrived, answer = await asyncio.to_thread(webhooks.post, self.config, body)
        await self.work(
            lambda: webhooks.note(self.store, number, attempts, answer, arrived=arrived)
        )

    def pause(self) -> float:
        upcoming = webhooks.next_at(self.store)
        return 1.0 if upcoming is None else min(1.0, max(0.01, upcoming - time.time()))

    def turn_clock(self) -> None:
        if self.store.due(clock.now(self.store)):
            with self.store.transaction():
                clock.tick(self.store, self.config)

    def close(self) -> None:
        self.worker.submit(self.store.close).result()
        self.worker.shutdown()


ENDPOINTS = endpoints.ENDPOINTS
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def error_body(error: StripeError) -> str:
    return json.dumps({"error": error.body}, indent=2)


def fingerprint(method: str, path: str, given: Json) -> str:
    """What makes two requests the same: method, path and parameters, whatever their order."""
    text = json.dumps([method, path, given], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


async def limited(request: Request) -> bytes:
    """The body, up to a megabyte."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise StripeError(
                413, type="invalid_request_error", message="The request is too large.", before=True
            )
    return bytes(body)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a page's form; none when it is not one."""
    if request.method != "POST":
        return {}
    try:
        text = (await limited(request)).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
    except (StripeError, ValueError):
        return {}


def accepts(request: Request) -> str:
    return request.headers.get("accept-language", "")


def origins(urls: list[str]) -> list[str]:
    """Scheme, host and port of web addresses, for the content security policy."""
    parts = [urlsplit(url) for url in urls if url]
    return sorted({f"{part.scheme}://{part.netloc}" for part in parts if part.netloc})


def build(config: Config) -> Starlette:
    """The application; opening it takes the state's lock, so there is one per folder."""
    server = Server(config)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        courier = asyncio.create_task(server.deliver())
        yield
        courier.cancel()
        await asyncio.gather(courier, return_exceptions=True)
        server.close()

    return Starlette(
        routes=[
            Route("/", server.front),
            Route("/healthz", server.health),
            Route("/pay/{id}", server.pay, methods=["GET", "POST"]),
            Route("/approve/{id}", server.approve, methods=["GET", "POST"]),
            Route("/static/sandbox.css", server.style),
            Route("/control/deliveries", server.control),
            Route("/control/clock", server.control, methods=["POST"]),
            Route("/control/faults", server.control, methods=["POST"]),
            Route("/{path:path}", server.api, methods=["GET", "POST", "DELETE"]),
        ],
        lifespan=life,
    )
