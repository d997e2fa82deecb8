/*
  A driver's page: the line says that something changed, the server writes the page's parts anew.
  Everything here can be done without it, by forms; with it nothing reloads, the phone rings for
  a new offer, and the city knows where the car is.
*/

import { complain, say } from "../js/app.js";
import { connect, showState } from "../js/socket.js";

const box = document.querySelector("#driver");
const place = document.querySelector("#place-state");
const sound = document.querySelector("#sound");
const POSITION_EVERY = 3000;
const LOST_AFTER = 10_000;
const POLL = 5000;
const LOOK = 20_000;

let lostSince = Date.now();
let lookedAt = Date.now();
let here = null;
let sentAt = 0;
let isOnShift = Boolean(document.querySelector("#pause"));

/* --- the map ---------------------------------------------------------------------------- */

let drawn = "";
let map = null;

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
  const way = JSON.stringify([trip.line, trip.start, trip.stops, trip.end]);
  if (way === drawn) return;
  drawn = way;
  map.setRoute(trip.line ?? []);
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

let asking = null;
let isStale = false;

async function refresh() {
  if (asking) {
    isStale = true; // once more, after what is under way
    return;
  }
  lookedAt = Date.now();
  asking = fetch(box.dataset.sheet, { headers: { Accept: "text/html" } });
  try {
    const answer = await asking;
    if (answer.redirected || answer.status === 403) location.reload();
    else if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The strip at the top says that there is no connection.
  } finally {
    asking = null;
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
  try {
    // Not form.action: that is the button of that name.
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body: new FormData(form, button) });
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
draw();
