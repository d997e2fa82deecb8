/*
  A ride as it happens: the line says that something changed, the server writes the sheet anew.
  While the line is down the sheet is asked for every ten seconds instead.
*/

import { say } from "../js/app.js";
import { keepPage } from "../js/installed.js";
import { connect } from "../js/socket.js";
import { Approach } from "./approach.js";
import { tripMap } from "./trip-map.js";

const box = document.querySelector("#ride-sheet");
const OLD = 20_000;
let seenAt = 0;
let isOpen = false;
let last = "";
let asked = box.querySelector("header").dataset.asked ?? "";
// The arrival is spoken when it moves by two minutes, and at most every half a minute.
const NEWS_SECONDS = 120;
const QUIET = 30_000;
let told = { eta: Number(box.querySelector("[data-eta]")?.dataset.eta ?? 0), at: 0 };
const drawn = tripMap();
const trip = JSON.parse(document.querySelector("#map-data")?.textContent ?? "null");
const approach = trip && new Approach(trip.city, dot);
let car = trip?.car;
let isFitted = false;

/** The dotted way of the car to the pick-up, for as long as it is on the way there. */
function dot() {
  const farLine = car && box.dataset.stage === "on_the_way" ? approach.from(car, trip.start) : null;
  drawn.then((map) => {
    map?.setRoute(trip.line, { farLine });
    if (farLine && !isFitted) {
      isFitted = true;
      map?.fit(null, { animate: false });
    }
  });
}

async function refresh() {
  try {
    const answer = await fetch(box.dataset.sheet, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const text = await answer.text();
    if (text === last) return;
    const way = new DOMParser().parseFromString(text, "text/html").querySelector("header")?.dataset.way;
    if (way && way !== box.dataset.way) {
      location.reload(); // the map is of another way
      return;
    }
    const before = box.querySelector("h1")?.textContent;
    // A link or button that somebody is on stays theirs.
    if (box.contains(document.activeElement) && document.activeElement !== document.body) {
      const parsed = new DOMParser().parseFromString(text, "text/html");
      const next = parsed.querySelector("header")?.dataset ?? {};
      // A question about how they are comes first, and goes once it is answered.
      if (next.stage === box.dataset.stage && (next.asked ?? "") === asked) return;
    }
    last = text;
    box.innerHTML = text;
    age();
    const head = box.querySelector("header");
    box.dataset.stage = head.dataset.stage;
    const now = head.querySelector("h1").textContent;
    if (head.dataset.asked && head.dataset.asked !== asked) {
      say(box.querySelector("[data-check] .notice__body").innerText);
      navigator.vibrate?.([300, 150, 300]);
    }
    asked = head.dataset.asked ?? "";
    const arrival = box.querySelector("[data-eta]");
    const eta = Number(arrival?.dataset.eta ?? 0);
    const isNews = arrival && Math.abs(eta - told.eta) >= NEWS_SECONDS && Date.now() - told.at >= QUIET;
    if (now !== before || isNews) {
      say(arrival ? `${now}. ${arrival.textContent.trim()}` : now);
      told = { eta, at: Date.now() };
    }
    if (now !== before) {
      keepPage().catch(() => {});
      document.title = document.title.replace(/^[^·]*/, `${now} `);
    }
    if (trip) dot();
    if (!head.dataset.live) line.close();
  } catch {
    // The strip at the top says that there is no connection.
  }
}

function moved(there) {
  car = there;
  seenAt = Date.parse(car.seen_at);
  drawn.then((map) => map?.setCars([{ id: "car", mine: true, ...car }]));
  if (trip) dot();
  age();
}

function age() {
  const place = box.querySelector("[data-seen]");
  if (!place || !seenAt) return;
  const since = Date.now() - seenAt;
  place.textContent = since > OLD ? box.dataset.seenSays.replace("{n}", Math.round(since / 1000)) : "";
}

const line = connect(box.dataset.ride, {
  onMessage(message) {
    if (message.type === "car") moved(message);
    if (message.type === "order") {
      if (message.car) moved(message.car);
      refresh();
    }
  },
  onState(state) { isOpen = state === "open"; },
  hello: { type: "sync" },
});

if (trip) dot();
setInterval(age, 1000);
setInterval(() => { if (!isOpen && document.visibilityState === "visible") refresh(); }, 10_000);
