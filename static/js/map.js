/*
  <city-map>: a window on the city.  Everything it shows also stands on the page as text, so the
  page is whole before it, without it and without WebGL.

  Attributes
    data-tiles          address of the tiles with {z}, {x} and {y}
    data-centre         "lat,lon" to begin with; data-zoom its zoom (14)
    data-bounds         "west,south,east,north": where the city is; nobody scrolls far off it
    data-label          what the map shows, for those who do not see it
    data-label-zoom-in, data-label-zoom-out, data-label-locate     names of the three buttons
    data-label-lost     said by `map:lost` when the browser does not tell where it is
    data-label-failed   shown where the map cannot be drawn
    data-source, data-source-name     "Streets ©" and "OpenStreetMap"
    data-still          present: a picture without tools that does not move

  Events (they bubble): map:ready, map:tap {lat, lon}, map:moved {bounds}, map:located {lat, lon,
  accuracy}, map:lost {message}, map:failed {message}.
*/

import { box, dots, metresPerPixel, split } from "./map-geometry.js";
import { Pins } from "./map-pins.js";
import { buildStyle, onThemeChange, readTokens, recolour } from "./map-style.js";

const LIBRARY = new URL("../vendor/maplibre-gl/maplibre-gl.mjs", import.meta.url).href;
const COPYRIGHT = "https://www.openstreetmap.org/copyright";
const COVERS = ".stage__top, .stage__sheet, [data-covers-map]";

const ICONS = {
  "zoom-in": `<path d="M12 5v14M5 12h14"/>`,
  "zoom-out": `<path d="M5 12h14"/>`,
  locate: `<circle cx="12" cy="12" r="6.5"/><path d="M12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3"/><circle cx="12" cy="12" r="1.6" fill="currentColor"/>`,
};

const numbers = (text) => (text ?? "").split(",").map(Number).filter(Number.isFinite);
const milliseconds = (text) => text.endsWith("ms") ? parseFloat(text) : parseFloat(text) * 1000 || 0;
const feature = (type, coordinates, part) => ({
  type: "Feature", properties: part ? { part } : {}, geometry: { type, coordinates },
});
const DOT = 9; // px from one dot of a dotted way to the next
const collection = (features) => ({ type: "FeatureCollection", features });

export class CityMap extends HTMLElement {
  #map = null;
  #pins = null;
  #ending = null;
  #shown = { route: collection([]), density: collection([]), pins: [], cars: [] };
  #far = [];
  #fitting = null; // asked for before there was a map
  #told = null;

  /** Resolves once the map is drawn; rejects where it cannot be. */
  ready = new Promise((resolve, reject) => {
    this.#told = { resolve, reject };
  });

  connectedCallback() {
    this.ready.catch(() => {});
    this.#furnish();
    if (!this.dataset.tiles) {
      this.#fail(new Error("no tiles are cut for this city"));
      return;
    }
    // The page comes first: the map starts when it is about to be seen.
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      this.#start().catch((error) => this.#fail(error));
    }, { rootMargin: "200px" });
    seen.observe(this);
    this.#ending = new AbortController();
    this.#ending.signal.addEventListener("abort", () => seen.disconnect());
  }

  disconnectedCallback() {
    this.#ending?.abort();
    this.#clear();
  }

  #clear() {
    this.#pins?.stop();
    this.#map?.remove();
    this.#map = this.#pins = null;
    this.classList.remove("is-drawn");
    for (const made of this.querySelectorAll(":scope > .map__canvas, :scope > .map__over")) made.remove();
  }

  /** The MapLibre map, once there is one. */
  get map() {
    return this.#map;
  }

  #furnish() {
    this.classList.add("map");
    if (!this.querySelector(":scope > .map__source")) {
      const source = document.createElement("p");
      source.className = "map__source";
      const link = document.createElement("a");
      link.href = COPYRIGHT;
      link.textContent = this.dataset.sourceName ?? "OpenStreetMap";
      source.append(`${this.dataset.source ?? "Streets ©"} `, link);
      this.append(source);
    }
    if (this.hasAttribute("data-still") || this.querySelector(":scope > .map__tools")) return;
    const tools = document.createElement("div");
    tools.className = "map__tools";
    tools.hidden = true;
    for (const [name, icon] of Object.entries(ICONS)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "icon-btn";
      button.dataset.does = name;
      button.setAttribute("aria-label", this.getAttribute(`data-label-${name}`) ?? name);
      button.innerHTML = `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${icon}</svg>`;
      tools.append(button);
    }
    tools.addEventListener("click", (event) => {
      const does = event.target.closest("button")?.dataset.does;
      if (does === "zoom-in") this.#map?.zoomIn({ duration: this.#calm });
      if (does === "zoom-out") this.#map?.zoomOut({ duration: this.#calm });
      if (does === "locate") this.locate();
    });
    this.append(tools);
  }

  async #start() {
    const { signal } = this.#ending;
    const library = await import(LIBRARY);
    if (signal.aborted) return;
    const { dataset } = this;
    const [lat, lon] = numbers(dataset.centre);
    const bounds = numbers(dataset.bounds);
    const still = this.hasAttribute("data-still");
    const canvas = document.createElement("div");
    canvas.className = "map__canvas";
    const over = document.createElement("div");
    over.className = "map__over";
    over.setAttribute("aria-hidden", "true");
    this.prepend(canvas, over);

    const [west, south, east, north] = bounds;
    const room = bounds.length === 4 && [west - .08, south - .08, east + .08, north + .08];
    const map = new library.Map({
      container: canvas,
      style: buildStyle(readTokens(this), {
        tiles: new URL(dataset.tiles, document.baseURI).href.replace(/%7B/gi, "{").replace(/%7D/gi, "}"),
        bounds: room || undefined,
      }),
      center: lon === undefined ? [(west + east) / 2, (south + north) / 2] : [lon, lat],
      zoom: Number(dataset.zoom ?? 14),
      minZoom: 9.5,
      maxZoom: 18.5,
      ...(room && { maxBounds: room }),
      interactive: !still,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: this.#calm,
      locale: { "Map.Title": dataset.label ?? "" },
    });
    this.#map = map;
    map.touchZoomRotate?.disableRotation();
    map.keyboard?.disableRotation();
    this.#pins = new Pins(map, over);

    map.once("style.load", () => {
      for (const name of ["route", "density"]) map.getSource(name).setData(this.#shown[name]);
      this.#dot();
      signal.addEventListener("abort", onThemeChange(() => recolour(map, readTokens(this))));
    });
    this.#pins.setPins(this.#shown.pins);
    this.#pins.setCars(this.#shown.cars);
    if (this.#fitting) this.fit(...this.#fitting);
    map.on("click", ({ lngLat }) => this.#say("map:tap", { lat: lngLat.lat, lon: lngLat.lng }));
    let dotted = map.getZoom();
    map.on("zoom", () => {
      if (Math.abs(map.getZoom() - dotted) < .2) return;
      dotted = map.getZoom();
      this.#dot();
    });
    map.on("moveend", () => this.#say("map:moved", { bounds: map.getBounds().toArray().flat() }));
    map.on("error", ({ error }) => console.warn("map:", error?.message));
    await new Promise((resolve) => { map.once("load", resolve); });
    this.classList.add("is-drawn");
    for (const tools of this.querySelectorAll(":scope > .map__tools")) tools.hidden = false;
    this.#told.resolve(this);
    this.#say("map:ready", {});
  }

  #fail(error) {
    this.#clear();
    const message = this.dataset.labelFailed ?? "";
    if (message && !this.querySelector(":scope > .map__plain")) {
      const plain = document.createElement("p");
      plain.className = "map__plain";
      plain.textContent = message;
      this.prepend(plain);
    }
    this.classList.add("is-plain");
    this.#told.reject(error);
    this.#say("map:failed", { message: String(error?.message ?? error) });
  }

  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  get #calm() {
    return milliseconds(getComputedStyle(this).getPropertyValue("--calm").trim() || "0ms");
  }

  get #travel() {
    return milliseconds(getComputedStyle(this).getPropertyValue("--travel").trim() || "0ms");
  }

  #data(name, data) {
    if (name in this.#shown) this.#shown[name] = data;
    this.#map?.getSource(name)?.setData(data);
  }

  /** Draw the way as [lon, lat] pairs; `farLine` is the dotted way to the pick-up, `driven` 0 to 1. */
  setRoute(coordinates, { farLine = null, driven = 0 } = {}) {
    const [behind, ahead] = driven > 0 ? split(coordinates ?? [], driven) : [[], coordinates ?? []];
    const parts = [[behind, "driven"], [ahead, "ahead"]].filter(([points]) => points.length > 1);
    this.#data("route", collection(parts.map(([points, part]) => feature("LineString", points, part))));
    this.#far = farLine ?? [];
    this.#dot();
  }

  /** Dots keep their distance on the screen, so they are set anew as the map comes nearer. */
  #dot() {
    if (!this.#map) return;
    const apart = DOT * metresPerPixel(this.#map.getCenter().lat, this.#map.getZoom());
    const points = dots(this.#far, apart);
    this.#data("far", collection(points.length ? [feature("MultiPoint", points)] : []));
  }

  /** Pins {id, lat, lon, kind: start | stop | end | you | place | says, title, sub, accuracy in metres}. */
  setPins(pins) {
    this.#shown.pins = pins;
    this.#pins?.setPins(pins);
  }

  /** Vehicles {id, lat, lon, heading in degrees from north, mine}; they travel to where they are now. */
  setCars(cars) {
    this.#shown.cars = cars;
    this.#pins?.setCars(cars, { travel: document.hidden ? 0 : this.#travel });
  }

  /** Tint areas: GeoJSON polygons with the property `step`, 1 to 5. */
  setDensity(cells) {
    this.#data("density", cells ?? collection([]));
  }

  /** Call back with (lat, lon) of every tap.  Returns how to stop. */
  onTap(callback) {
    const heard = ({ detail }) => callback(detail.lat, detail.lon);
    this.addEventListener("map:tap", heard);
    return () => this.removeEventListener("map:tap", heard);
  }

  /** How much of the map other parts of the page cover, in px. */
  covered() {
    const own = this.getBoundingClientRect();
    const edges = { top: 0, right: 0, bottom: 0, left: 0 };
    for (const part of document.querySelectorAll(COVERS)) {
      const box = part.getBoundingClientRect();
      const wide = Math.min(box.right, own.right) - Math.max(box.left, own.left);
      const tall = Math.min(box.bottom, own.bottom) - Math.max(box.top, own.top);
      if (wide <= 0 || tall <= 0 || this.contains(part)) continue;
      const side = wide / own.width >= tall / own.height
        ? (box.top + box.bottom < own.top + own.bottom ? "top" : "bottom")
        : (box.left + box.right < own.left + own.right ? "left" : "right");
      const reach = {
        top: box.bottom - own.top, bottom: own.bottom - box.top,
        left: box.right - own.left, right: own.right - box.left,
      };
      edges[side] = Math.max(edges[side], reach[side]);
    }
    return edges;
  }

  /** Bring everything shown, or these [lon, lat] points, into the part of the map that is free. */
  fit(points = null, { maxZoom = 16, animate = true } = {}) {
    const { route, pins } = this.#shown;
    const all = points ?? [
      ...route.features.flatMap(({ geometry }) => geometry.coordinates),
      ...this.#far,
      ...pins.filter(({ kind }) => kind !== "place").map(({ lat, lon }) => [lon, lat]),
    ];
    if (!all.length) return;
    if (!this.#map) {
      this.#fitting = [points, { maxZoom, animate: false }];
      return;
    }
    const { top, right, bottom, left } = this.covered();
    const { clientWidth, clientHeight } = this;
    const speaks = !points && pins.some(({ title, kind }) => title && kind !== "place");
    const padding = { top: top + (speaks ? 84 : 36), right: right + 40, bottom: bottom + 44, left: left + 40 };
    // Too little room is no reason for none.
    const squeeze = Math.min(1, .8 * clientHeight / (padding.top + padding.bottom), .8 * clientWidth / (padding.left + padding.right));
    for (const side of Object.keys(padding)) padding[side] *= squeeze;
    this.#map.fitBounds(box(all), { padding, maxZoom, duration: animate ? this.#calm * 2 : 0, essential: false });
  }

  /** Ask the browser where it is and show it; the answer is also an event. */
  locate() {
    if (!navigator.geolocation) {
      this.#say("map:lost", { message: this.dataset.labelLost ?? "" });
      return;
    }
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      const { latitude: lat, longitude: lon, accuracy } = coords;
      this.setPins([...this.#shown.pins.filter(({ id }) => id !== "here"), { id: "here", kind: "you", lat, lon, accuracy }]);
      this.fit([[lon, lat]]);
      this.#say("map:located", { lat, lon, accuracy });
    }, () => this.#say("map:lost", { message: this.dataset.labelLost ?? "" }), { enableHighAccuracy: true, timeout: 10_000 });
  }
}

customElements.define("city-map", CityMap);
