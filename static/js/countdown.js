/*
  Counts towards a moment that the server named.  The number leads, the ring follows; it is spoken
  at 10 and 5 seconds only.  A phone that slept shows the truth when it wakes.

    <div class="ring" role="timer" data-countdown="2026-11-22T17:32:14+00:00"
         data-now="2026-11-22T17:32:00+00:00" data-whole="20" data-says="{n} seconds left"
         data-over="over"> … [data-left] … .ring__left … </div>

  `data-now` is the server's clock when it wrote this: a phone whose clock is wrong by hours still
  counts right.  More time is a later data-countdown.  At the end `countdown:over` bubbles once.
*/

import { say } from "./app.js";

const running = new Map();
const offsets = new WeakMap();

function offset(element) {
  const told = element.dataset.now;
  const known = offsets.get(element);
  if (known?.told === told) return known.by;
  const by = told ? Date.parse(told) - Date.now() : 0;
  offsets.set(element, { told, by });
  return by;
}

/** The seconds left on a countdown, never less than none. */
export function secondsLeft(element) {
  const end = Date.parse(element.dataset.countdown);
  return Math.max(0, Math.ceil((end - Date.now() - offset(element)) / 1000));
}

function tick(element) {
  if (!element.isConnected) {
    stop(element);
    return;
  }
  const left = secondsLeft(element);
  const whole = Math.max(Number(element.dataset.whole) || left, left);
  element.dataset.whole = String(whole);
  const number = element.querySelector("[data-left]");
  const words = left === 0 && element.dataset.over ? element.dataset.over : String(left);
  if (number && number.textContent !== words) number.textContent = words;
  const unit = element.querySelector(".ring__u");
  if (unit) unit.hidden = left === 0;
  element.querySelector(".ring__left")
    ?.setAttribute("stroke-dashoffset", String(whole ? 100 - (100 * left) / whole : 100));
  element.classList.toggle("is-last", left > 0 && left <= 5);
  element.classList.toggle("is-over", left === 0);
  const state = running.get(element);
  if ((left === 10 || left === 5) && state.said !== left) {
    state.said = left;
    say(element.dataset.says?.replace("{n}", left));
  }
  if (left === 0) {
    stop(element);
    element.dispatchEvent(new CustomEvent("countdown:over", { bubbles: true }));
  }
}

function stop(element) {
  clearInterval(running.get(element)?.timer);
  running.delete(element);
}

/** Start, or go on towards a new moment. */
export function start(element) {
  stop(element);
  if (!Number.isFinite(Date.parse(element.dataset.countdown))) return;
  offset(element);
  running.set(element, { timer: setInterval(() => tick(element), 250), said: 0 });
  tick(element);
}

const each = (node) => {
  if (!(node instanceof Element)) return;
  if (node.matches("[data-countdown]")) start(node);
  node.querySelectorAll("[data-countdown]").forEach(start);
};

each(document.documentElement);
new MutationObserver((changes) => {
  for (const { type, target, addedNodes } of changes) {
    if (type === "attributes") start(target);
    else addedNodes.forEach(each);
  }
}).observe(document.documentElement, {
  subtree: true, childList: true, attributes: true, attributeFilter: ["data-countdown"],
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") [...running.keys()].forEach(tick);
});
