/* Zones on a map: those of a rule, and in its form those that are ticked, which a tap ticks too.
   The shapes stand on the page as GeoJSON in #zones-shapes; everything also stands there as text. */

const FAINT = 1;
const FULL = 4;

const map = document.querySelector("#zones-map");

const shapes = () => {
  const kept = document.querySelector("#zones-shapes");
  return kept ? JSON.parse(kept.textContent) : { type: "FeatureCollection", features: [] };
};
const ticks = () => new Map([...document.querySelectorAll("[data-zones] input[type=checkbox]")]
  .map((tick) => [tick.value, tick]));

/** Whether a point lies in a ring of [lon, lat] corners: a ray to the east crosses it oddly often. */
const inRing = ([x, y], ring) => ring.reduce((inside, [x2, y2], i) => {
  const [x1, y1] = ring[(i || ring.length) - 1];
  return (y1 > y) !== (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 ? !inside : inside;
}, false);
const inside = (point, { coordinates }) => coordinates.some(
  ([edge, ...holes]) => inRing(point, edge) && !holes.some((hole) => inRing(point, hole)));
const size = ({ coordinates }) => coordinates.flat(2).reduce(
  ([w, s, e, n], [x, y]) => [Math.min(w, x), Math.min(s, y), Math.max(e, x), Math.max(n, y)],
  [180, 90, -180, -90]).reduce((sum, edge, i) => sum + (i < 2 ? -edge : edge), 0);

function paint() {
  const all = shapes();
  const known = ticks();
  for (const { properties } of all.features) {
    const tick = known.get(properties.slug);
    properties.step = !tick || tick.checked ? FULL : FAINT;
  }
  map?.setDensity?.(all);
  return all;
}

function fit({ features }) {
  const points = features.flatMap(({ geometry }) => geometry.coordinates.flat(2));
  if (points.length) map.fit?.(points, { animate: false });
}

await customElements.whenDefined("city-map");
const first = paint();
if (!ticks().size) fit(first);

if (ticks().size) {
  map?.addEventListener("map:tap", ({ detail: { lat, lon } }) => {
    const met = shapes().features.filter(({ geometry }) => inside([lon, lat], geometry));
    // The smallest: a street lies in a district.
    const [meant] = met.sort((a, b) => size(a.geometry) - size(b.geometry));
    const tick = meant && ticks().get(meant.properties.slug);
    if (!tick) return;
    tick.checked = !tick.checked;
    tick.dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.addEventListener("change", ({ target }) => { if (target.closest("[data-zones]")) paint(); });
  document.addEventListener("htmx:afterSwap", paint);
}
