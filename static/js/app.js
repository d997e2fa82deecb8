/*
  What every page does beyond what the server wrote.  Nothing here is needed to use the city: it
  only makes swaps calm, keeps the focus where people left it, and says aloud what changed.

  htmx comes first, as a plain script; this file tells it the token and answers its events.
*/

const root = document.documentElement;
const $ = (selector, from = document) => from.querySelector(selector);

root.classList.add("has-script");

/* --- saying things --------------------------------------------------------------------- */

let spoken = 0;

/** Say something once, politely.  The same words again are said again. */
export function say(words) {
  const said = $("#said");
  if (!said || !words) return;
  clearTimeout(spoken);
  said.textContent = "";
  spoken = setTimeout(() => { said.textContent = words; }, 60);
}

/** Show what was done for ten seconds, with a way back if there is one.  Never for errors. */
export function toast(words, { undo, label } = {}) {
  const box = document.createElement("div");
  box.className = "toast";
  const text = document.createElement("p");
  text.textContent = words;
  box.append(text);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn--small";
    button.textContent = label;
    button.addEventListener("click", () => { box.remove(); undo(); });
    box.append(button);
  }
  $("#toasts").append(box);
  say(words);
  let timer;
  const leave = () => { timer = setTimeout(() => box.remove(), 10_000); };
  // Whoever reads or reaches for it has all the time they want.
  for (const stop of ["pointerenter", "focusin"]) box.addEventListener(stop, () => clearTimeout(timer));
  for (const go of ["pointerleave", "focusout"]) box.addEventListener(go, leave);
  leave();
}

/** Show a notice at the head of the page and take the focus to it: something failed. */
export function complain(words) {
  const box = document.createElement("div");
  box.className = "notice notice--critical";
  box.tabIndex = -1;
  const mark = document.createElement("span");
  mark.setAttribute("aria-hidden", "true");
  mark.textContent = "!";
  const text = document.createElement("p");
  text.className = "notice__body";
  text.textContent = words;
  box.append(mark, text);
  $("#notices")?.replaceChildren(box);
  box.focus();
}

/* --- waiting --------------------------------------------------------------------------- */

let waiting = 0;

function wait(by) {
  waiting = Math.max(0, waiting + by);
  $("#progress")?.classList.toggle("is-on", waiting > 0);
}

/* --- htmx ------------------------------------------------------------------------------ */

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  const token = $('meta[name="csrf-token"]')?.content;
  if (token && !/^(GET|HEAD)$/.test(ctx.request.method)) ctx.request.headers["X-CSRFToken"] = token;
});
document.addEventListener("htmx:before:request", () => wait(1));
document.addEventListener("htmx:finally:request", () => wait(-1));
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if (ctx.response.status >= 500) complain($("#said")?.dataset.failed);
});
document.addEventListener("htmx:error", () => complain($("#said")?.dataset.unreachable));
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  settle(ctx.target?.isConnected ? ctx.target : document);
});

/*
  After a swap the focus stays where it was.  A fragment that carries [data-focus] (a new step's
  heading, what is wrong with a form) takes it; one with [data-say] is read out.
*/
function settle(part) {
  const wants = part.matches?.("[data-focus]") ? part : $("[data-focus]", part);
  if (wants) {
    if (!wants.hasAttribute("tabindex")) wants.tabIndex = -1;
    wants.focus();
  }
  const says = part.matches?.("[data-say]") ? part : $("[data-say]", part);
  if (says) say(says.dataset.say || says.textContent.trim());
}

/* --- connection ------------------------------------------------------------------------ */

function connection(isBack) {
  const strip = $("#offline");
  // A page that was kept says so whatever the phone believes of its line.
  if (strip) strip.hidden = navigator.onLine && !$('meta[name="kept-at"]');
  if (isBack !== undefined) say($("#said")?.dataset[navigator.onLine ? "online" : "offline"]);
}
addEventListener("online", () => connection(true));
addEventListener("offline", () => connection(false));
connection();

/* --- small manners --------------------------------------------------------------------- */

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  // What is unavailable stays in place with its reason, and does nothing.
  if (target?.closest('[aria-disabled="true"]')) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  target?.closest("[data-close]")?.closest(".notice, .toast")?.remove();
  const opener = target?.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    $(opener.dataset.opens)?.showModal(); // the browser gives the focus back to the opener
  }
  if (target?.closest("[data-shuts]")) target.closest("dialog")?.close();
}, true);

// A form that was sent is not sent twice by an impatient thumb; the button says that it works.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button || event.target.hasAttribute("data-theme-switch")) return;
  if (event.target.method === "dialog") return;
  if (button.getAttribute("aria-busy") === "true") event.preventDefault();
  button.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll('[type="submit"][aria-busy], button[aria-busy]')) {
    button.removeAttribute("aria-busy");
  }
});
for (const end of ["htmx:finally:request"]) {
  document.addEventListener(end, ({ target }) => {
    for (const button of target.querySelectorAll?.("[aria-busy]") ?? []) button.removeAttribute("aria-busy");
  });
}

// Light, dark or the system's wish: at once, and kept in the cookie that the server reads.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-theme-switch") || !event.submitter) return;
  event.preventDefault();
  const chosen = event.submitter.value;
  if (chosen === "system") delete root.dataset.theme;
  else root.dataset.theme = chosen;
  for (const button of document.querySelectorAll("[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
  fetch(form.action, { method: "POST", body: new FormData(form, event.submitter), redirect: "manual" })
    .catch(() => {});
});

// Less, how many, more: the steppers.  Without a script the field is typed into.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".stepper [data-step]");
  if (!button) return;
  const field = $("input", button.closest(".stepper"));
  field[Number(button.dataset.step) > 0 ? "stepUp" : "stepDown"]();
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

settle(document);
