"""The pages a person sees: entering a card, and approving a payment."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode, urlsplit, urlunsplit

from cityplatform.sandbox import cards, checkout, money, payments, setups
from cityplatform.sandbox.cards import BY_NUMBER, Card, Decline
from cityplatform.sandbox.customers import right_code
from cityplatform.sandbox.endpoints import Call
from cityplatform.sandbox.errors import Json, StripeError
from cityplatform.sandbox.texts import LANGUAGES, language

HERE = Path(__file__).parent
TEMPLATES = {file.stem: Template(file.read_text()) for file in (HERE / "templates").glob("*.html")}
STYLE = (HERE / "static" / "sandbox.css").read_text()
OFFERED = (
    "4242424242424242",
    "5555555555554444",
    "4000000000000002",
    "4000000000009995",
    "4000000000000341",
    "4000002760003184",
    "4000002500003155",
    "4000000000000259",
)


@dataclass
class Page:
    """What the browser gets: a page, or the way on."""

    html: str = ""
    status: int = 200
    to: str = ""
    # Where its forms may end up, for the content security policy.
    leads: list[str] = field(default_factory=list)


class Words:
    """The texts of one language; what stands in the braces is escaped by `page`."""

    def __init__(self, session: Json | None, accepted: str) -> None:
        self.lang = language(session.get("locale") if session else None, accepted)
        self.texts = LANGUAGES[self.lang]

    def __call__(self, name: str, **values: str) -> str:
        return self.texts[name].format(**values)


def fill(name: str, **values: str) -> str:
    """A template with values that are HTML already."""
    return TEMPLATES[name].substitute(values)


def page(say: Words, title: str, content: str, *, status: int = 200, leads: list[str]) -> Page:
    html = fill(
        "page", lang=say.lang, title=escape(title), bank=escape(say("bank")), content=content
    )
    return Page(html, status, leads=leads)


def notice(say: Words, title: str, text: str, url: str | None = None, *, status: int = 200) -> Page:
    """A page that only says something, with the way back."""
    content = f'<p class="lead">{escape(text)}</p>'
    if url:
        content += f'<p><a class="away" href="{escape(url)}">{escape(say("return"))}</a></p>'
    return page(say, title, content, status=status, leads=[])


def nowhere(accepted: str) -> Page:
    say = Words(None, accepted)
    return notice(say, say("missing_title"), say("missing"), status=404)


def front(accepted: str) -> Page:
    """What this server is."""
    say = Words(None, accepted)
    return notice(say, say("front_title"), say("front"))


def success(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def closed(say: Words, session: Json) -> Page | None:
    """What a session shows that is no longer open."""
    if session["status"] == "complete":
        return notice(say, say("done_title"), say("done"), success(session))
    if session["status"] == "expired":
        return notice(say, say("expired_title"), say("expired"), session["cancel_url"], status=410)
    return None


def show(call: Call, session: Json, chosen: str, accepted: str) -> Page:
    """The empty form, filled with 4242 or with the test card that was chosen."""
    say = Words(session, accepted)
    card = BY_NUMBER.get(chosen, BY_NUMBER[OFFERED[0]])
    name = ""
    if session["customer"]:
        customer = call.store.get(session["customer"], account=call.account) or {}
        name = customer.get("name") or ""
    form = {
        "number": spaced(card.number),
        "expiry": f"12 / {(cards.year(call.now) + 3) % 100:02d}",
        "code": "1234" if card.brand == "amex" else "123",
        "name": name or "Camila Rojas",
    }
    return closed(say, session) or card_page(call, say, session, form, {})


def spaced(number: str) -> str:
    return " ".join(re.findall(".{1,4}", number))


def total_of(session: Json) -> str:
    return money.words(session["amount_total"], session["currency"])


def card_page(
    call: Call,
    say: Words,
    session: Json,
    form: dict[str, str],
    wrong: dict[str, str],
    *,
    refused: str = "",
) -> Page:
    """The form with what was typed, the complaint of each field, and the list of test cards."""
    paying = session["mode"] == "payment"
    wish = {"sum": total_of(session)} if paying else {}
    title = say("pay_title" if paying else "keep_title", **wish)
    back = (
        f'<a class="away" href="{escape(session["cancel_url"])}">{escape(say("back"))}</a>'
        if session["cancel_url"]
        else ""
    )
    pair = "".join(field_html(say, name, form, wrong) for name in ("expiry", "code"))
    content = fill(
        "card",
        lead=escape(say("pay_lead" if paying else "keep_lead")),
        lines=lines_html(call.store.hidden(session["id"])["lines"]) if paying else "",
        summary=summary(say, wrong, refused),
        action=f"/pay/{session['id']}",
        fields=field_html(say, "number", form, wrong)
        + f'<div class="pair">{pair}</div>'
        + field_html(say, "name", form, wrong),
        submit=escape(say("pay" if paying else "keep", **wish)),
        back=back,
        others=escape(say("others")),
        others_hint=escape(say("others_hint")),
        cards="\n".join(offer(say, session, BY_NUMBER[number]) for number in OFFERED),
    )
    leads = [session["success_url"], session["cancel_url"] or ""]
    return page(say, title, content, status=422 if wrong or refused else 200, leads=leads)


def lines_html(lines: list[Json]) -> str:
    """What is paid for, line by line."""
    rows = "".join(
        f'<tr><th scope="row">{escape(line["description"])}, {line["quantity"]}</th>'
        f"<td>{escape(money.words(line['amount_total'], line['currency']))}</td></tr>"
        for line in lines
    )
    return f'<table class="lines"><tbody>{rows}</tbody></table>'


def summary(say: Words, wrong: dict[str, str], refused: str) -> str:
    if refused:
        return (
            f'<div class="summary" role="alert"><h2>{escape(say("refused"))}</h2>'
            f"<p>{escape(refused)}</p></div>"
        )
    if not wrong:
        return ""
    items = "".join(
        f'<li><a href="#{name}">{escape(text)}</a></li>' for name, text in wrong.items()
    )
    return (
        f'<div class="summary" role="alert"><h2>{escape(say("wrong"))}</h2><ul>{items}</ul></div>'
    )


ATTRIBUTES = {
    "number": 'inputmode="numeric" autocomplete="cc-number" maxlength="25"',
    "expiry": 'inputmode="numeric" autocomplete="cc-exp" maxlength="9"',
    "code": 'inputmode="numeric" autocomplete="cc-csc" maxlength="4"',
    "name": 'autocomplete="cc-name" maxlength="100"',
}


def field_html(say: Words, name: str, form: dict[str, str], wrong: dict[str, str]) -> str:
    hinted = f"{name}_hint" in say.texts
    told = [f"{name}-hint"] if hinted else []
    told += [f"{name}-error"] if name in wrong else []
    parts = [f'<div class="field"><label for="{name}">{escape(say(name))}</label>']
    if hinted:
        parts.append(f'<p class="hint" id="{name}-hint">{escape(say(f"{name}_hint"))}</p>')
    described = f' aria-describedby="{" ".join(told)}"' if told else ""
    invalid = ' aria-invalid="true"' if name in wrong else ""
    parts.append(
        f'<input id="{name}" name="{name}" value="{escape(form.get(name, ""))}" required '
        f"{ATTRIBUTES[name]}{described}{invalid}>"
    )
    if name in wrong:
        parts.append(f'<p class="error" id="{name}-error">{escape(wrong[name])}</p>')
    return "".join([*parts, "</div>"])


def offer(say: Words, session: Json, card: Card) -> str:
    """One line of the list of test cards."""
    fate = "ok"
    if card.decline:
        fate = "later" if card.saves else "declined"
    elif card.approval != "never":
        fate = "always" if card.approval == "always" else "once"
    elif card.disputed:
        fate = "disputed"
    if card.decline is cards.FUNDS:
        fate = "poor"
    told = say(f"test_{fate}")
    return (
        f'<li><a href="/pay/{session["id"]}?card={card.number}"><span>{spaced(card.number)}</span>'
        f"<small>{escape(told)}</small></a></li>"
    )


def enter(call: Call, session: Json, form: dict[str, str], accepted: str) -> Page:
    """The form was sent: the complaints about it, the bank's refusal, or the way on."""
    say = Words(session, accepted)
    if over := closed(say, session):
        return over
    form = {name: form.get(name, "").strip() for name in ATTRIBUTES}
    wrong, card, month, year = read_form(call.now, say, form)
    if wrong or card is None:
        return card_page(call, say, session, form, wrong)
    method = cards.new_method(
        call, card, exp_month=month, exp_year=year, billing_details={"name": form["name"]}
    )
    try:
        intent = checkout.submit(call, session, method)
    except StripeError as error:
        if error.status != 402:
            raise
        reason = error.body.get("decline_code", "generic_decline")
        told = say("declined", reason=say(reason))
        return card_page(call, say, session, form, {}, refused=told)
    if intent["status"] == "requires_action":
        return Page(to=f"/approve/{intent['id']}?secret={intent['client_secret']}", status=303)
    checkout.complete(call, session, intent)
    return Page(to=success(session), status=303)


def read_form(
    now: int, say: Words, form: dict[str, str]
) -> tuple[dict[str, str], Card | None, int, int]:
    """What is wrong with each field; the card and its expiry when nothing is."""
    wrong: dict[str, str] = {}
    card, month, year = None, 0, 0
    known = cards.read(form["number"])
    if not form["number"]:
        wrong["number"] = say("number_missing")
    elif isinstance(known, Decline):
        wrong["number"] = say("number_wrong" if known is cards.NUMBER else "number_live")
    else:
        card = known
    given = re.fullmatch(r"(\d{1,2})\s*/?\s*(\d{2}|\d{4})", form["expiry"], re.ASCII)
    if given is None or not 1 <= int(given[1]) <= 12:
        wrong["expiry"] = say("expiry_wrong")
    else:
        month, year = int(given[1]), int(given[2])
        year += 2000 if year < 100 else 0
        today = datetime.fromtimestamp(now, UTC)
        if (year, month) < (today.year, today.month):
            wrong["expiry"] = say("expiry_past")
        elif year > today.year + 50:
            wrong["expiry"] = say("expiry_wrong")
    if not right_code(card or BY_NUMBER[OFFERED[0]], form["code"]):
        wrong["code"] = say("code_wrong")
    if not form["name"]:
        wrong["name"] = say("name_missing")
    return wrong, card, month, year


def approval(call: Call, intent: Json, accepted: str) -> Page:
    """The bank asks the card's holder."""
    session = session_of(call, intent)
    say = Words(session, accepted)
    if intent["status"] != "requires_action":
        done = intent["status"] in ("succeeded", "requires_capture")
        return notice(say, say("done_title"), say("approved" if done else "not"))
    method = call.store.get(intent["payment_method"], account=call.account) or {}
    last4 = method["card"]["last4"]
    if intent["object"] == "payment_intent":
        lead = say(
            "approve_pay", sum=money.words(intent["amount"], intent["currency"]), last4=last4
        )
    else:
        lead = say("approve_keep", last4=last4)
    content = fill(
        "approve",
        lead=escape(lead),
        action=f"/approve/{intent['id']}?secret={intent['client_secret']}",
        approve=escape(say("approve")),
        refuse=escape(say("refuse")),
    )
    leads = [session["success_url"]] if session else [return_url(intent)]
    return page(say, say("approve_title"), content, leads=leads)


def session_of(call: Call, intent: Json) -> Json | None:
    identifier = call.store.hidden(intent["id"]).get("session")
    if identifier is None:
        return None
    return call.store.get(identifier, account=call.account)


def return_url(intent: Json) -> str:
    action = intent["next_action"] or {}
    return str((action.get("redirect_to_url") or {}).get("return_url") or "")


def answer(call: Call, intent: Json, *, approved: bool, accepted: str) -> Page:
    """The holder answered: on to where the payment came from."""
    session = session_of(call, intent)
    say = Words(session, accepted)
    if intent["status"] != "requires_action":
        return approval(call, intent, accepted)
    back = return_url(intent)
    module = payments if intent["object"] == "payment_intent" else setups
    worked, refused = approved, say("not_approved")
    try:
        intent = module.answered(call, intent, approved=approved)
    except StripeError as error:
        if error.status != 402:
            raise
        worked = False
        refused = say("declined", reason=say(error.body.get("decline_code", "generic_decline")))
    if session is not None:
        if worked:
            checkout.complete(call, session, intent)
            return Page(to=success(session), status=303)
        form = {"number": "", "expiry": "", "code": "", "name": ""}
        return card_page(call, say, session, form, {}, refused=refused)
    if back:
        return Page(to=with_outcome(back, intent, worked=worked), status=303)
    return notice(say, say("approve_title"), say("approved") if worked else say("not"))


def with_outcome(url: str, intent: Json, *, worked: bool) -> str:
    """The return address with Stripe's three parameters."""
    parts = urlsplit(url)
    kind = intent["object"]
    asked = urlencode(
        {
            kind: intent["id"],
            f"{kind}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if worked else "failed",
        }
    )
    query = f"{parts.query}&{asked}" if parts.query else asked
    return urlunsplit(parts._replace(query=query))
