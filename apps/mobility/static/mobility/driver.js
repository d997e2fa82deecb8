/*
  A driver's page: the line says that something changed, the server writes the page's parts anew.
  Everything here can be done without it, by forms; with it nothing reloads, the phone rings for
  a new offer, and the city knows where the car is.
*/

import { complain, say } from "../js/app.js";
import { connect, showState } from "../js/socket.js";
import { Approach } from "./approach.js";
import { KeptSteps, mayWait, newKey } from "./kept-steps.js";

const box = document.querySelector("#driver");
const place = document.querySelector("#place-state");
const sound = document.querySelector("#sound");
const waiting = document.querySelector("#kept-steps");
const kept = new KeptSteps(box.dataset.person);
const POSITION_EVERY = 3000;
const LOST_AFTER = 10_000;
const POLL = 5000;
const LOOK = 20_000;
const PATIENCE = 10_000;
const SOON = 2000;

let lostSince = Date.now();
let lookedAt = Date.now();
let here = null;
let sentAt = 0;
let isOnShift = Boolean(document.querySelector("#pause"));

/* --- the map ---------------------------------------------------------------------------- */

let drawn = "";
let map = null;
let approach = null;

async function draw() {
  const trip = JSON.parse(document.querySelector("#map-data").textContent);
  map ??= document.querySelector("#map");
  if (!map) return;
  await customElements.whenDefined("city-map");
  try {
    await map.ready;
  } catch {
    return; // without WebGL the page is whole without it
  }
  const car = here ?? trip.car;
  if (car) map.setCars([{ id: "car", mine: true, ...car }]);
  const way = JSON.stringify([trip.line, trip.start, trip.stops, trip.end, trip.approaches]);
  approach ??= new Approach(trip.city, draw);
  const farLine = trip.approaches && car ? approach.from(car, trip.start) : null;
  if (farLine || way !== drawn) map.setRoute(trip.line ?? [], { farLine });
  if (way === drawn) return;
  drawn = way;
  map.setPins(trip.line ? [
    { id: "start", kind: "start", ...trip.start },
    { id: "end", kind: "end", ...trip.end },
    ...(trip.stops ?? []).flatMap(({ lat, lon, name }, n) => [
      { id: `stop-${n}`, kind: "stop", lat, lon },
      { id: `stop-${n}-says`, kind: "says", lat, lon, title: name },
    ]),
    { id: "start-says", kind: "says", lat: trip.start.lat, lon: trip.start.lon, title: trip.start.name },
    { id: "end-says", kind: "says", lat: trip.end.lat, lon: trip.end.lon, title: trip.end.name },
  ] : []);
  if (trip.line) map.fit(null, { animate: false });
  else if (car) map.fit([[car.lon, car.lat]], { maxZoom: 14, animate: false });
}

/* --- parts that change ------------------------------------------------------------------ */

// What differs at every writing without meaning anything: tokens, and seconds that count themselves.
function meaning(part) {
  const copy = part.cloneNode(true);
  copy.querySelectorAll('[name="csrfmiddlewaretoken"]').forEach((one) => one.remove());
  copy.querySelectorAll("[data-countdown]").forEach((one) => one.replaceWith(one.dataset.countdown));
  copy.querySelectorAll("[aria-busy]").forEach((one) => one.removeAttribute("aria-busy"));
  copy.querySelectorAll("details").forEach((one) => one.removeAttribute("open"));
  return copy.innerHTML.replace(/\s+/g, " ").trim();
}

function swap(told) {
  let isNew = false;
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = told.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!next || meaning(part) === meaning(next)) continue;
    const typed = [...part.querySelectorAll("input:not([type=hidden]), select")].map((one) => [one.id, one.value]);
    const opened = [...part.querySelectorAll("details[open]")].map((one) => one.id);
    const active = part.contains(document.activeElement) ? document.activeElement.id : "";
    if ("stage" in part.dataset && part.dataset.stage !== next.dataset.stage) {
      isNew = true;
      part.dataset.stage = next.dataset.stage;
    }
    part.replaceChildren(...document.importNode(next, true).childNodes);
    for (const [id, value] of typed) {
      const field = id && part.querySelector(`#${CSS.escape(id)}`);
      if (field) field.value = value;
    }
    for (const id of opened) part.querySelector(`details#${CSS.escape(id)}`)?.setAttribute("open", "");
    if (active) document.getElementById(active)?.focus();
  }
  const data = told.querySelector("#map-data");
  if (data) document.querySelector("#map-data").textContent = data.textContent;
  isOnShift = Boolean(document.querySelector("#off-line, #pause, #resume"));
  document.body.classList.toggle("in-task", /./.test(stage()));
  if (isNew) arrived();
  draw();
}

const stage = () => document.querySelector("[data-stage]").dataset.stage;

function arrived() {
  const title = document.querySelector('[data-part="sheet"] h1');
  if (!title) return;
  const words = title.textContent.replace(/\s+/g, " ").trim();
  document.title = document.title.replace(/^[^·]*/, `${words} `);
  say(words);
  const active = document.activeElement;
  if (active === document.body || !active?.isConnected) {
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
  }
  ring();
}

let asking = false;
let isStale = false;

async function refresh() {
  if (asking) {
    isStale = true; // once more, after what is under way
    return;
  }
  lookedAt = Date.now();
  asking = true;
  try {
    // What was done without a line is told first: until then the city knows less than this page.
    if (!(await tellKept())) return;
    const answer = await fetch(box.dataset.sheet, { headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 403) location.reload();
    else if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The strip at the top says that there is no connection.
  } finally {
    asking = false;
    if (isStale) {
      isStale = false;
      refresh();
    }
  }
}

// Forms go the way they go without a script, only that the page stays.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.closest("[data-part]")) return;
  event.preventDefault();
  const button = event.submitter;
  wake();
  if ("step" in form.dataset && mayWait(button?.value) && (kept.all.length || !navigator.onLine)) {
    keepStep(form, button.value, newKey());
    return;
  }
  const key = newKey();
  try {
    const body = new FormData(form, button);
    if ("step" in form.dataset) body.append("key", key);
    // Not form.action: that is the button of that name.
    const sent = { method: "POST", body, signal: AbortSignal.timeout(PATIENCE) };
    const answer = await fetch(form.getAttribute("action"), sent).catch(() => null);
    if (!answer && "step" in form.dataset && mayWait(button?.value)) {
      // The city may have heard it all the same, and only its answer was lost: the key says so.
      keepStep(form, button.value, key);
      return;
    }
    if (!answer) throw new Error("no line");
    if (!answer.ok) throw new Error(String(answer.status));
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    const field = form.querySelector(".input--code");
    if (field) field.value = "";
    swap(told);
    const notices = document.querySelector("#notices");
    notices.replaceChildren(...document.importNode(told.querySelector("#notices"), true).childNodes);
    notices.querySelector("[data-focus]")?.focus();
  } catch {
    complain(document.querySelector("#said").dataset.unreachable);
  } finally {
    button?.removeAttribute("aria-busy");
  }
});

/* --- steps taken without a line ----------------------------------------------------------- */

function keepStep(form, step, key) {
  const { api, ride } = form.dataset;
  const code = form.querySelector(".input--code")?.value.replace(/\s/g, "") ?? "";
  try {
    goOn(kept.keep({ url: api, ride, step, code, key }));
  } catch {
    complain(document.querySelector("#said").dataset.unreachable);
    return;
  }
  showKept();
  // Where only an answer was lost there is a line still, and no word that it is back.
  if (navigator.onLine) setTimeout(refresh, SOON);
  document.querySelector('[data-part="action"]').querySelector("form[data-step] :is(input:not([type=hidden]), button)")?.focus();
}

// The page goes on by what the city wrote into it beforehand for when it cannot be asked.
function goOn({ ride, step }) {
  const part = document.querySelector('[data-part="action"]');
  const form = part.querySelector(`form[data-step][data-ride="${CSS.escape(ride)}"]`);
  const next = part.querySelector(`template[data-after="${CSS.escape(step)}"]`)?.content.cloneNode(true);
  if (!form || !next) return;
  const token = form.querySelector('[name="csrfmiddlewaretoken"]');
  if (token) next.querySelector("form")?.prepend(token);
  form.replaceWith(next);
}

function showKept() {
  const steps = kept.all;
  waiting.hidden = !steps.length;
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: box.dataset.zone });
  const words = steps.map(({ step, at }) => `${waiting.dataset[step]} ${time.format(at)}`).join(", ");
  waiting.querySelector("[data-words]").textContent = steps.length ? waiting.dataset.says.replace("{steps}", words) : "";
}

/** Tell the city what waits.  True if the page may show what the city knows. */
async function tellKept() {
  if (!kept.all.length) return true;
  const token = document.querySelector('[name="csrfmiddlewaretoken"]')?.value ?? "";
  const { left, refused, isStranger } = await kept.send(token);
  showKept();
  if (refused) complain(refused);
  return isStranger || left === 0;
}

addEventListener("online", refresh);

/* --- sound and vibration, for a new offer only -------------------------------------------- */

let audio = null;
let rung = stage();
const isLoud = () => localStorage.getItem("driver-sound") !== "off";

function wake() {
  // Browsers let a page sound only after somebody has touched it.
  audio ??= window.AudioContext ? new AudioContext() : null;
  if (audio?.state === "suspended") audio.resume();
}

function ring() {
  const now = stage();
  if (!now.startsWith("offer-") || now === rung) return;
  rung = now;
  if (!isLoud()) return;
  navigator.vibrate?.([200, 100, 200]);
  if (audio?.state !== "running") return;
  for (const [after, pitch] of [[0, 660], [.22, 880]]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(.25, audio.currentTime + after);
    volume.gain.exponentialRampToValueAtTime(.001, audio.currentTime + after + .2);
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + after);
    tone.stop(audio.currentTime + after + .2);
  }
}

function showSound() {
  const says = document.querySelector("#sound-says");
  sound.setAttribute("aria-pressed", String(isLoud()));
  says.textContent = isLoud() ? says.dataset.on : says.dataset.off;
}

sound.hidden = false;
sound.addEventListener("click", () => {
  localStorage.setItem("driver-sound", isLoud() ? "off" : "on");
  showSound();
});
addEventListener("pointerdown", wake, { once: true });
addEventListener("keydown", wake, { once: true });
showSound();

/* --- where the car is --------------------------------------------------------------------- */

function tellPlace(words) {
  place.hidden = !words;
  if (words && place.textContent !== words) place.textContent = words;
}

function sendPlace() {
  if (!here || !isOnShift || Date.now() - sentAt < POSITION_EVERY) return;
  const { lat, lon, heading } = here;
  if (line.send({ type: "position", lat, lon, heading })) sentAt = Date.now();
}

const showLine = showState(document.querySelector("#line-state"));
const line = connect(box.dataset.line, {
  onMessage(message) {
    if (message.type === "state") refresh();
  },
  onState(state) {
    if (state === "open") lostSince = 0;
    else lostSince ||= Date.now();
    showLine(state);
  },
  hello: { type: "sync" },
});

if (navigator.geolocation) {
  navigator.geolocation.watchPosition(
    ({ coords }) => {
      const { latitude: lat, longitude: lon, heading } = coords;
      here = { lat, lon, heading: Number.isFinite(heading) ? Math.round(heading) % 360 : null };
      tellPlace("");
      sendPlace();
      draw();
    },
    ({ code }) => {
      here = null; // an old place is not sent as a new one
      tellPlace(code === 1 ? place.dataset.denied : place.dataset.lost);
    },
    { enableHighAccuracy: true, maximumAge: 2000, timeout: 20_000 },
  );
} else {
  tellPlace(place.dataset.none);
}

/* --- time -------------------------------------------------------------------------------- */

setInterval(() => {
  sendPlace(); // a car that stands still is still there
  if (document.visibilityState !== "visible" && !lostSince) return;
  const since = Date.now() - lookedAt;
  const isLost = lostSince && Date.now() - lostSince > LOST_AFTER;
  if (since > (isLost ? POLL : LOOK)) refresh();
}, 1000);
addEventListener("countdown:over", () => setTimeout(refresh, 400));

document.body.classList.toggle("in-task", /./.test(stage()));
// After a page that was loaded anew, the ride stands where its driver left it.
kept.all.forEach(goOn);
showKept();
if (kept.all.length) refresh();
draw();
