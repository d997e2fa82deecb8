"""The registry of endpoints, and the request that a handler sees."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cityplatform.sandbox import params as shapes
from cityplatform.sandbox.config import Config
from cityplatform.sandbox.errors import Json, foreign_account, invalid, malformed, missing
from cityplatform.sandbox.params import Param
from cityplatform.sandbox.store import Store, new_id

API_VERSION = "2026-10-28.endive"
PLATFORM = ""

# Fields that hold an identifier and can be expanded into the object behind it.
EXPANDABLE = {
    "customer": "customer",
    "payment_method": "payment_method",
    "payment_intent": "payment_intent",
    "setup_intent": "setup_intent",
    "latest_charge": "charge",
    "charge": "charge",
    "balance_transaction": "balance_transaction",
    "failure_balance_transaction": "balance_transaction",
    "transfer": "transfer",
    "source_transfer": "transfer",
    "transfer_reversal": "transfer_reversal",
    "source_refund": "refund",
    "destination": "account",
    "destination_payment": "charge",
    "source_transaction": "charge",
    "application_fee": "application_fee",
    "source": "",
    "account": "account",
    "on_behalf_of": "account",
}


@dataclass
class Call:
    """One request inside its transaction, or the clock when nobody asked.

    `account` is the connected account it acts for, an empty text the platform itself; `now` is
    seconds since 1970 by the sandbox's own clock.
    """

    store: Store
    config: Config
    now: int
    account: str = PLATFORM
    params: Json = field(default_factory=dict)
    ids: Json = field(default_factory=dict)
    request: str | None = None
    key: str | None = None

    def at(self, account: str) -> "Call":
        """The same moment, in another account's books."""
        return Call(self.store, self.config, self.now, account, request=self.request, key=self.key)

    def create(self, prefix: str, kind: str, **body: Any) -> Json:
        """The beginnings of a new object, not kept yet."""
        return {"id": new_id(prefix), "object": kind, "created": self.now, "livemode": False} | body

    def keep(self, body: Json, *, due: int | None = None, hidden: Json | None = None) -> Json:
        return self.store.add(body, account=self.account, due=due, hidden=hidden, created=self.now)

    def find(self, kind: str, name: str = "id") -> Json:
        """The object named in the path; a 404 when there is none."""
        identifier = self.ids[name]
        found = self.store.get(identifier, kind=kind, account=self.account)
        if found is None:
            raise missing(kind, identifier, param="id" if name == "id" else name)
        return found

    def refer(self, kind: str, identifier: str, param: str) -> Json:
        """The object named by a parameter; a 400 when there is none."""
        found = self.store.get(identifier, kind=kind, account=self.account)
        if found is None:
            raise missing(kind, identifier, param=param, status=400)
        return found

    def refer_account(self, identifier: str) -> Json:
        """A connected account of this platform; a 403 for any other, as Stripe answers."""
        found = self.store.get(identifier, kind="account", account=PLATFORM)
        if found is None:
            raise foreign_account(identifier)
        return found

    def listing(self, kind: str, **where: Any) -> Json:
        """A page of the account's objects, newest first."""
        ask = self.params
        limit = ask.get("limit", 10)
        if limit > 100:
            raise invalid("This value must be less than or equal to 100.", param="limit")
        for name in ("starting_after", "ending_before"):
            if name in ask:
                self.refer(kind, ask[name], name)
        created = ask.get("created")
        if isinstance(created, int):
            created = {"gte": created, "lte": created}
        found, more = self.store.find(
            kind,
            account=self.account,
            where={name: value for name, value in where.items() if value is not None},
            created=created,
            after=ask.get("starting_after", ""),
            before=ask.get("ending_before", ""),
            limit=limit,
        )
        return pages(found, self.ids["url"], more=more)


def pages(data: list[Json], url: str, *, more: bool = False) -> Json:
    """Stripe's list object."""
    return {"object": "list", "data": data, "has_more": more, "url": url}


type Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Endpoint:
    """A method and a path such as `/v1/refunds/{id}`, the parameters it takes, who answers."""

    method: str
    path: str
    fields: Mapping[str, Param]
    answer: Handler


ENDPOINTS: list[Endpoint] = []


def endpoint(method: str, path: str, /, **fields: Param) -> Callable[[Handler], Handler]:
    """Register a handler."""
    fields["expand"] = shapes.array(shapes.text())

    def register(answer: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(method, path, fields, answer))
        return answer

    return register


def listed(path: str, /, **fields: Param) -> Callable[[Handler], Handler]:
    """Register a list endpoint; paging and `created` come with it."""
    return endpoint("GET", path, **shapes.LISTING, **fields)


def expanded(call: Call, body: Json, paths: list[str]) -> Json:
    """The answer with the asked identifiers replaced by their objects."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4:
            raise malformed(f"You cannot expand more than 4 levels of a property ({path}).")
        expand(call, body, steps, path)
    return body


def expand(call: Call, body: Any, steps: list[str], path: str) -> None:
    if isinstance(body, list):
        for item in body:
            expand(call, item, steps, path)
        return
    name, rest = steps[0], steps[1:]
    if not isinstance(body, dict):
        return
    if body.get("object") == "charge" and name == "refunds":
        refunds, more = call.store.find(
            "refund", account=call.account, where={"charge": body["id"]}, limit=10
        )
        body["refunds"] = pages(refunds, f"/v1/charges/{body['id']}/refunds", more=more)
    elif body.get("object") == "checkout.session" and name == "line_items":
        lines = call.store.hidden(body["id"]).get("lines", [])
        body["line_items"] = pages(lines, f"/v1/checkout/sessions/{body['id']}/line_items")
    elif name not in body or (name not in EXPANDABLE and not isinstance(body[name], dict | list)):
        if body.get("object") is not None or body.get("deleted") is None:
            raise malformed(f"This property cannot be expanded ({path}).", param="expand")
        return
    elif isinstance(body[name], str):
        owner = call.store.owner(body[name])
        found = call.store.get(body[name], account=owner) if owner is not None else None
        if found is not None and owner in (call.account, PLATFORM):
            body[name] = found
    if rest:
        expand(call, body[name], rest, path)


PLACE = re.compile(r"\{(\w+)\}")


def pattern(path: str) -> re.Pattern[str]:
    """The regular expression of an endpoint's path."""
    return re.compile(PLACE.sub(r"(?P<\1>[^/]+)", path))
