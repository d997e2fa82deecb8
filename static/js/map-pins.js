/* What stands on the map as elements of the page: pins that say something and vehicles that move. */

const CAR = `<svg viewBox="0 0 19 34" aria-hidden="true"><rect class="map__body" x="1" y="1" width="17" height="32" rx="7"/><path class="map__glass" d="M4 11.5c1.6-1.3 9.4-1.3 11 0l-1 4.2c-2.4-.7-6.6-.7-9 0zM5 25.4c2.4.6 6.6.6 9 0l.8 3c-2.2 1.1-8.4 1.1-10.6 0z"/></svg>`;
const METRES_PER_DEGREE = 111_320;

const element = (className, parent) => {
  const made = document.createElement("div");
  made.className = className;
  parent.append(made);
  return made;
};

/** The shorter way round from one heading to another, in degrees. */
const turn = (from, to) => ((to - from + 540) % 360) - 180;

export class Pins {
  #map;
  #root;
  #pins = new Map();
  #cars = new Map();
  #frame = 0;

  constructor(map, root) {
    this.#map = map;
    this.#root = root;
    map.on("move", () => this.#place());
    map.on("resize", () => this.#place());
  }

  /** Show these pins and no others.  A pin of the same id stays the same element. */
  setPins(pins) {
    const kept = new Set(pins.map((pin) => String(pin.id)));
    for (const [id, pin] of this.#pins) {
      if (kept.has(id)) continue;
      for (const part of pin.parts) part.remove();
      this.#pins.delete(id);
    }
    for (const pin of pins) this.#pin(pin);
    this.#place();
  }

  #pin({ id, lat, lon, kind, title = "", sub = "", accuracy = 0 }) {
    const key = String(id);
    const known = this.#pins.get(key);
    const looks = JSON.stringify([kind, title, sub]);
    if (known?.looks === looks) {
      Object.assign(known, { lat, lon, accuracy });
      return;
    }
    for (const part of known?.parts ?? []) part.remove();
    const pin = { lat, lon, accuracy, looks, parts: [] };
    if (kind === "you") {
      pin.circle = element("map__near", this.#root);
      pin.parts.push(pin.circle);
    }
    if (kind !== "says") {
      const spot = element(`map__pin pin--${kind}`, this.#root);
      if (kind === "place") spot.textContent = title;
      pin.spot = spot;
      pin.parts.push(spot);
    }
    if (title && kind !== "place") {
      const says = element("map__pin pin--says", this.#root);
      says.textContent = title;
      if (sub) {
        const small = document.createElement("small");
        small.textContent = sub;
        says.append(small);
      }
      pin.says = says;
      pin.half = says.offsetWidth / 2;
      pin.parts.push(says);
    }
    this.#pins.set(key, pin);
  }

  /** Show these vehicles and no others; each travels from where it stands for `travel` ms. */
  setCars(cars, { travel = 0 } = {}) {
    const now = performance.now();
    const kept = new Set(cars.map((car) => String(car.id)));
    for (const [id, car] of this.#cars) {
      if (kept.has(id)) continue;
      car.element.remove();
      this.#cars.delete(id);
    }
    for (const { id, lat, lon, heading, mine = false } of cars) {
      const key = String(id);
      const known = this.#cars.get(key);
      const to = { lat, lon, heading: heading ?? known?.to.heading ?? 0 };
      if (known) {
        const from = this.#where(known, now);
        known.element.classList.toggle("map__car--mine", mine);
        Object.assign(known, { from, to, since: now, travel });
      } else {
        const made = element(`map__pin map__car${mine ? " map__car--mine" : ""}`, this.#root);
        made.innerHTML = CAR;
        this.#cars.set(key, { element: made, from: to, to, since: now, travel: 0 });
      }
    }
    this.#run();
  }

  #where({ from, to, since, travel }, now) {
    const share = travel > 0 ? Math.min(1, (now - since) / travel) : 1;
    // It turns in the first third of its way, as one does at a corner.
    const turned = Math.min(1, share * 3);
    return {
      lat: from.lat + (to.lat - from.lat) * share,
      lon: from.lon + (to.lon - from.lon) * share,
      heading: from.heading + turn(from.heading, to.heading) * turned,
    };
  }

  #run() {
    cancelAnimationFrame(this.#frame);
    const now = performance.now();
    this.#placeCars(now);
    const moving = [...this.#cars.values()].some((car) => now - car.since < car.travel);
    if (moving) this.#frame = requestAnimationFrame(() => this.#run());
  }

  #put(part, lat, lon, more = "") {
    const { x, y } = this.#map.project([lon, lat]);
    part.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) ${more}`;
    return x;
  }

  #place() {
    const { clientWidth } = this.#root;
    for (const { lat, lon, spot, says, circle, half, accuracy } of this.#pins.values()) {
      if (spot) this.#put(spot, lat, lon);
      if (circle) this.#around(circle, lat, lon, accuracy);
      if (!says) continue;
      // A box that would leave the picture slides along its own point instead.
      const { x } = this.#map.project([lon, lat]);
      const room = half + 8;
      const slide = x < 0 || x > clientWidth ? 0 : Math.max(room - x, Math.min(0, clientWidth - room - x));
      this.#put(says, lat, lon, `translateX(${slide.toFixed(1)}px)`);
    }
    this.#placeCars(performance.now());
  }

  #around(circle, lat, lon, accuracy) {
    const east = accuracy / METRES_PER_DEGREE / Math.cos(lat * Math.PI / 180);
    const across = 2 * (this.#map.project([lon + east, lat]).x - this.#map.project([lon, lat]).x);
    circle.hidden = across < 20;
    circle.style.width = circle.style.height = `${across.toFixed(0)}px`;
    this.#put(circle, lat, lon);
  }

  #placeCars(now) {
    for (const car of this.#cars.values()) {
      const { lat, lon, heading } = this.#where(car, now);
      this.#put(car.element, lat, lon, `rotate(${heading.toFixed(1)}deg)`);
    }
  }

  stop() {
    cancelAnimationFrame(this.#frame);
  }
}
