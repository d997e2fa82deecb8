/* Choosing the two ends on the map or by where the phone is.  The fields stay the truth. */

import { say } from "../js/app.js";

const form = document.querySelector("[data-plan]");
const map = document.querySelector("#map");
const combos = Object.fromEntries([...form.querySelectorAll("[data-end]")].map((one) => [one.dataset.end, one]));

function fields(end) {
  const combo = combos[end];
  return {
    text: combo.querySelector("[role=combobox]"),
    lat: combo.querySelector("[data-lat]"),
    lon: combo.querySelector("[data-lon]"),
  };
}

async function fill(end, { lat, lon }) {
  const { text, lat: latitude, lon: longitude } = fields(end);
  const address = new URL(form.dataset.nameUrl, location.href);
  address.searchParams.set("point", `${lat.toFixed(6)},${lon.toFixed(6)}`);
  const answer = await fetch(address);
  if (!answer.ok) return;
  text.value = await answer.text();
  latitude.value = lat.toFixed(6);
  longitude.value = lon.toFixed(6);
  draw();
}

function swap() {
  const [start, to] = [fields("start"), fields("to")];
  for (const one of ["text", "lat", "lon"]) {
    [start[one].value, to[one].value] = [to[one].value, start[one].value];
  }
  draw();
}

function draw() {
  const pins = Object.keys(combos).flatMap((end) => {
    const { text, lat, lon } = fields(end);
    if (!lat.value) return [];
    const at = { lat: Number(lat.value), lon: Number(lon.value) };
    return [{ id: end, kind: { start: "start", to: "end" }[end] ?? "stop", ...at },
      { id: `${end}-says`, kind: "says", title: text.value, ...at }];
  });
  map?.setPins?.(pins);
  if (pins.length) map?.fit?.();
}

// With a script the hidden points are emptied as soon as somebody types over a name.
for (const was of form.querySelectorAll("[data-was]")) was.remove();
form.querySelector("[data-swap]")?.addEventListener("click", swap);
map?.addEventListener("map:tap", ({ detail }) => {
  fill(fields("start").text.value ? "to" : "start", detail);
});
map?.addEventListener("map:located", ({ detail }) => {
  if (!fields("start").text.value) fill("start", detail);
});
// A place of theirs goes where they were writing, and without that to where they want to go.
let writing = "to";
for (const [end, combo] of Object.entries(combos)) combo.addEventListener("focusin", () => { writing = end; });
for (const known of form.querySelectorAll("[data-known]")) {
  known.addEventListener("click", (event) => {
    event.preventDefault();
    const { text, lat, lon } = fields(writing);
    [text.value, lat.value, lon.value] = [known.dataset.name, known.dataset.lat, known.dataset.lon];
    say(`${text.labels[0].textContent}: ${text.value}`);
    writing = "to";
    draw();
  });
}
form.addEventListener("combo:chosen", () => setTimeout(draw));
form.querySelector("[data-here]")?.addEventListener("click", () => {
  navigator.geolocation?.getCurrentPosition(
    ({ coords }) => fill("start", { lat: coords.latitude, lon: coords.longitude }),
    () => map?.dispatchEvent(new CustomEvent("map:lost", { bubbles: true, detail: { message: map.dataset.labelLost } })),
    { enableHighAccuracy: true, timeout: 10_000 },
  );
});
await customElements.whenDefined("city-map");
map?.ready.then(draw, () => {});
