/* Drawing a zone: tap for a corner, drag or arrow keys to move one, Delete to remove one, undo.
   The edge stands in the field of the form as GeoJSON, which is all that is sent: whoever pastes
   there, or takes the edge of a street, sees it on the map. */

const form = document.querySelector("[data-draw]");
const field = form.querySelector("textarea");
const over = form.querySelector("[data-over]");
const told = form.querySelector("[data-told]");
const map = form.querySelector("city-map");
const STEP = 4; // px that an arrow key moves a corner; with Shift ten times so far
const APART = 30; // px between the middles of two corners that a finger tells apart
const EARTH = 6_371_008.8;

let ring = []; // [lon, lat] corners, not closed
let other = null; // an edge that is more than one ring: shown, not moved
const before = [];

const asGeoJSON = () => {
  if (other) return other;
  return ring.length > 2 ? { type: "Polygon", coordinates: [[...ring, ring[0]]] } : null;
};

/** Square metres of a ring on ground flat enough: the shoelace formula. */
function area(points) {
  const degree = EARTH * Math.PI / 180;
  const shrink = Math.cos((points[0]?.[1] ?? 0) * Math.PI / 180);
  return Math.abs(points.reduce((sum, [x, y], i) => {
    const [nx, ny] = points[(i + 1) % points.length];
    return sum + x * ny - nx * y;
  }, 0)) / 2 * degree * degree * shrink;
}

function read(text) {
  try {
    const all = JSON.parse(text);
    const shape = all.geometry ?? all.features?.[0]?.geometry ?? all;
    const polygons = shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates;
    if (polygons.length === 1 && polygons[0].length === 1 && polygons[0][0].length < 60) {
      return { ring: polygons[0][0].slice(0, -1).map(([lon, lat]) => [lon, lat]), other: null };
    }
    return { ring: [], other: { type: "MultiPolygon", coordinates: polygons } };
  } catch {
    return { ring: [], other: null };
  }
}

const remember = () => before.push(JSON.stringify({ ring, other }));

function change(next) {
  remember();
  ({ ring, other } = next);
  write();
}

function write() {
  const shape = asGeoJSON();
  field.value = shape ? JSON.stringify(shape) : "";
  show();
}

function show() {
  const shape = asGeoJSON();
  const known = JSON.parse(document.querySelector("#zones-shapes").textContent).features
    .map((one) => ({ ...one, properties: { step: 1 } }));
  const mine = shape ? [{ type: "Feature", properties: { step: 5 }, geometry: shape }] : [];
  map.setDensity?.({ type: "FeatureCollection", features: [...known, ...mine] });
  map.setRoute?.(ring.length > 1 ? [...ring, ring[0]] : []);
  told.textContent = ring.length
    ? form.dataset.says.replace("{corners}", ring.length).replace("{metres}", Math.round(ring.length > 2 ? area(ring) : 0))
    : "";
  corners();
}

/** One button for each corner, which keeps the focus while it moves. */
function corners() {
  while (over.children.length > ring.length) over.lastChild.remove();
  while (over.children.length < ring.length) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "draw__corner";
    made.setAttribute("aria-label", form.dataset.corner.replace("{number}", over.children.length + 1));
    over.append(made);
  }
  place();
}

function place() {
  if (!map.map) return;
  const shown = [];
  for (const [i, [lon, lat]] of ring.entries()) {
    const { x, y } = map.map.project([lon, lat]);
    over.children[i].style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    // Two that lie on each other could not be told apart: nearer to the ground they can.
    over.children[i].hidden = shown.some(([sx, sy]) => Math.hypot(x - sx, y - sy) < APART);
    if (!over.children[i].hidden) shown.push([x, y]);
  }
}

const numbered = (target) => [...over.children].indexOf(target.closest(".draw__corner"));

function moveTo(number, x, y) {
  const { lng, lat } = map.map.unproject([x, y]);
  ring = ring.with(number, [Number(lng.toFixed(6)), Number(lat.toFixed(6))]);
  write();
}

over.addEventListener("pointerdown", (event) => {
  const number = numbered(event.target);
  if (number < 0) return;
  event.preventDefault();
  event.target.focus();
  event.target.setPointerCapture(event.pointerId);
  remember();
  const frame = over.getBoundingClientRect();
  const follow = ({ clientX, clientY }) => moveTo(number, clientX - frame.left, clientY - frame.top);
  event.target.addEventListener("pointermove", follow);
  event.target.addEventListener("pointerup", () => event.target.removeEventListener("pointermove", follow), { once: true });
});

over.addEventListener("keydown", (event) => {
  const number = numbered(event.target);
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    change({ ring: ring.toSpliced(number, 1), other: null });
    over.children[Math.max(0, number - 1)]?.focus();
  } else if (steps[event.key]) {
    event.preventDefault();
    const { x, y } = map.map.project(ring[number]);
    const [right, down] = steps[event.key].map((one) => one * STEP * (event.shiftKey ? 10 : 1));
    remember();
    moveTo(number, x + right, y + down);
  }
});

const add = (lon, lat) => change({
  ring: [...ring, [Number(lon.toFixed(6)), Number(lat.toFixed(6))]], other: null,
});

form.addEventListener("click", ({ target }) => {
  const take = target.closest("[data-take]");
  if (take) {
    change(read(take.dataset.take));
    field.value = take.dataset.take;
    const name = form.querySelector("[name=name]");
    name.value ||= take.dataset.name;
    fit();
  }
  const does = target.closest("[data-does]")?.dataset.does;
  if (does === "undo" && before.length) {
    ({ ring, other } = JSON.parse(before.pop()));
    write();
  }
  if (does === "clear") change({ ring: [], other: null });
  if (does === "add" && map.map) {
    const { lng, lat } = map.map.getCenter();
    add(lng, lat);
    over.lastChild.focus();
  }
});

field.addEventListener("input", () => {
  ({ ring, other } = read(field.value));
  show();
  fit();
});

function fit() {
  const shape = asGeoJSON();
  if (shape) map.fit?.(shape.coordinates.flat(shape.type === "Polygon" ? 1 : 2));
}

await customElements.whenDefined("city-map");
({ ring, other } = read(field.value));
show();
map.addEventListener("map:tap", ({ detail: { lat, lon } }) => add(lon, lat));
map.ready.then(() => {
  for (const part of form.querySelectorAll(".needs-map")) part.hidden = false;
  map.map.on("move", place);
  map.map.on("resize", place);
  show();
  fit();
}, () => {});
