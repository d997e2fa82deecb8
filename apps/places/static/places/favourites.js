/* Choosing a place to keep on the map.  The field stays the truth. */

const form = document.querySelector("[data-keep]");
const map = document.querySelector("#map");
const [text, lat, lon] = ["[role=combobox]", "[data-lat]", "[data-lon]"].map((one) => form.querySelector(one));

function draw() {
  const at = { lat: Number(lat.value), lon: Number(lon.value) };
  map?.setPins?.(lat.value ? [
    { id: "place", kind: "place", ...at },
    { id: "says", kind: "says", title: text.value, ...at },
  ] : []);
}

map?.addEventListener("map:tap", async ({ detail }) => {
  const address = new URL(form.dataset.nameUrl, location.href);
  address.searchParams.set("point", `${detail.lat.toFixed(6)},${detail.lon.toFixed(6)}`);
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) return;
  text.value = await answer.text();
  lat.value = detail.lat.toFixed(6);
  lon.value = detail.lon.toFixed(6);
  draw();
});
form.addEventListener("combo:chosen", () => setTimeout(draw));
await customElements.whenDefined("city-map");
map?.ready.then(draw, () => {});
