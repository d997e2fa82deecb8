/* The city's public page: asks every five seconds while it is seen, and puts in what has changed.
   What is unfolded stays unfolded, and who reads the page aloud is not interrupted. */

const EVERY = 5000;
const page = document.querySelector("[data-watch]");
const map = document.querySelector("#city-now");
const choice = document.querySelector("[data-layers]");
let shown = "cars";

function tint() {
  const told = document.querySelector("#city-layers");
  if (!told) return;
  const areas = JSON.parse(told.textContent)[shown];
  map?.setDensity?.(areas);
  // The number stands in the middle of its area: nobody in particular is there.
  map?.setPins?.(areas.features.map(({ properties: { cell, count, lat, lon } }) => ({
    id: cell, lat, lon, kind: "says", title: String(count),
  })));
}

function put(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-part]");
  const old = page.querySelector("[data-part]");
  if (!fresh || !old || old.innerHTML === fresh.innerHTML) return;
  // Nothing moves under the finger of somebody who is in it.
  if (old.contains(document.activeElement)) return;
  for (const open of old.querySelectorAll("details[open][data-keep]")) {
    fresh.querySelector(`[data-keep="${open.dataset.keep}"]`)?.setAttribute("open", "");
  }
  old.replaceWith(fresh);
  tint();
}

async function look() {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(page.dataset.watch);
      if (answer.ok) put(await answer.text());
    } catch {
      // Offline: what stands on the page was true a moment ago, and its hour stands beside it.
    }
  }
  setTimeout(look, EVERY);
}

choice?.addEventListener("click", ({ target }) => {
  const pressed = target.closest("[data-layer]");
  if (!pressed) return;
  shown = pressed.dataset.layer;
  for (const one of choice.querySelectorAll("[data-layer]")) {
    one.setAttribute("aria-pressed", String(one === pressed));
  }
  tint();
});

await customElements.whenDefined("city-map");
if (choice) choice.hidden = false;
tint();
setTimeout(look, EVERY);
