/* The districts of a dry run on the map; everything it shows stands in the table below it. */

const map = document.querySelector("#dry-run-map");
const shapes = JSON.parse(document.querySelector("#dry-run-shapes").textContent);

await customElements.whenDefined("city-map");
map?.setDensity?.(shapes);
map?.fit?.(shapes.features.flatMap(({ geometry }) => geometry.coordinates.flat(2)), { animate: false });
