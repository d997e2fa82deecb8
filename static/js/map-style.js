/* The style of the city's map, read from the page's own tokens, so that both change together. */

const LAND = ["land", "sea", "depth", "sand", "park", "road", "case", "road-main", "primary",
  "primary-case", "trunk", "trunk-case", "label", "halo", "label-water", "route", "route-case"];

/** Read the colours of the map and the fonts of the page where `element` stands. */
export function readTokens(element = document.documentElement) {
  const computed = getComputedStyle(element);
  const value = (name) => computed.getPropertyValue(name).trim();
  const colours = Object.fromEntries(LAND.map((name) => [name, value(`--map-${name}`)]));
  const families = value("--font").split(",").map((name) => name.trim().replace(/^(["'])(.*)\1$/, "$2"));
  return { ...colours, ink: value("--ink"), families };
}

/* Widths in px at zoom 14 and the zoom from which a class fades in; narrow streets below wide. */
const STREETS = [
  { name: "minor", width: 3.2, since: 12.2, fill: "road", edge: "case" },
  { name: "tertiary", width: 4.2, since: 11.4, fill: "road", edge: "case" },
  { name: "secondary", width: 5, since: 10, fill: "road-main", edge: "case" },
  { name: "primary", width: 5.6, since: 9, fill: "primary", edge: "primary-case" },
  { name: "trunk", width: 5.2, since: 9, fill: "trunk", edge: "trunk-case" },
];

/* How wide a street is at each zoom, as a share of its width at zoom 14. */
const GROWTH = [[9, .18], [11, .28], [12, .38], [13, .56], [14, 1], [15, 1.6], [16, 2.6], [18, 7], [20, 20]];

const zoomed = (stops, base = 1) => ["interpolate", ["exponential", base], ["zoom"], ...stops.flat()];
const growing = (width, more = 0) => zoomed(GROWTH.map(([zoom, share]) => [
  zoom, Math.round((width * share + more * Math.min(1, .35 + share * .65)) * 100) / 100]));
const fading = (since) => since > 9 ? zoomed([[since, 0], [since + .6, 1]]) : 1;
const isClass = (name) => ["==", ["get", "class"], name];
const isKind = (...kinds) => ["in", ["get", "kind"], ["literal", kinds]];

/* MapLibre draws the letters itself with the fonts of this page, since the style names no glyph
   server.  It guesses weight and slant from the first name in the list; the name after it draws. */
const lettering = (families, manner) => [`${families[0].replace(/ Variable$/, "")} ${manner}`, ...families];

function ground(t) {
  const area = (kind, ...colours) => ({
    id: kind, type: "fill", source: "city", "source-layer": "areas", filter: isKind(kind),
    paint: { "fill-color": colours[0], "fill-antialias": true },
  });
  return [
    { id: "land", type: "background", paint: { "background-color": t.land } },
    area("park", t.park),
    area("sand", t.sand),
    area("river", t.sea),
    area("sea", t.sea),
    {
      id: "depth", type: "line", source: "city", "source-layer": "water_lines", filter: isKind("depth"),
      paint: { "line-color": t.depth, "line-width": 1, "line-opacity": ["-", 1.1, ["*", .25, ["get", "step"]]] },
    },
  ];
}

function streets(t) {
  const line = (street, id, paint) => ({
    id: `${id}-${street.name}`, type: "line", source: "city", "source-layer": "streets",
    minzoom: street.since, filter: isClass(street.name),
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-opacity": fading(street.since), ...paint },
  });
  const cases = STREETS.map((street) => ({
    ...line(street, "case", {
      "line-color": t[street.edge], "line-width": growing(street.width, 1.5),
    }),
    minzoom: street.name === "minor" ? 13 : street.since,
  }));
  const fills = STREETS.map((street) => line(street, "road", {
    "line-color": t[street.fill], "line-width": growing(street.width),
  }));
  return [...cases, ...fills];
}

function overlays(t) {
  const line = (id, source, paint, cap = "round") => ({
    id, type: "line", source, layout: { "line-cap": cap, "line-join": "round" }, paint,
  });
  const still = ["case", ["==", ["get", "part"], "driven"], .35, 1];
  return [
    {
      id: "far", type: "circle", source: "far",
      paint: { "circle-color": t.ink, "circle-radius": 2, "circle-stroke-color": t["route-case"], "circle-stroke-width": 1 },
    },
    line("route-case", "route", { "line-color": t["route-case"], "line-width": 10, "line-opacity": still }),
    line("route", "route", { "line-color": t.route, "line-width": 5, "line-opacity": still }),
  ];
}

const density = (t) => ({
  id: "density", type: "fill", source: "density",
  paint: {
    "fill-color": t.route, "fill-outline-color": t["route-case"],
    "fill-opacity": ["interpolate", ["linear"], ["get", "step"], 1, .12, 5, .6],
  },
});

function labels(t) {
  const text = (id, layer, since, filter, layout, paint) => ({
    id, type: "symbol", source: "city", "source-layer": layer, minzoom: since,
    filter: ["all", ["has", "name"], filter],
    layout: {
      "symbol-placement": "line", "symbol-spacing": 260, "text-field": ["get", "name"],
      "text-letter-spacing": .01, "text-max-angle": 32, "text-padding": 6, ...layout,
    },
    paint: { "text-color": t.label, "text-halo-color": t.halo, "text-halo-width": 1.75, ...paint },
  });
  const main = { "text-size": zoomed([[14, 13], [17, 15]]), "text-font": lettering(t.families, "Medium") };
  const small = { "text-size": zoomed([[14, 12], [17, 14]]), "text-font": lettering(t.families, "Regular") };
  const water = {
    "text-size": 13, "text-letter-spacing": .06, "text-font": lettering(t.families, "Italic"), "text-max-angle": 45,
  };
  return [
    text("label-minor", "streets", 14.6, isClass("minor"), small),
    text("label-tertiary", "streets", 14, isClass("tertiary"), small),
    text("label-secondary", "streets", 13.2, isClass("secondary"), main),
    text("label-primary", "streets", 12.4, isClass("primary"), main),
    text("label-trunk", "streets", 11, isClass("trunk"), main),
    text("label-water", "water_lines", 10, isKind("sea", "river"), water,
      { "text-color": t["label-water"], "text-halo-width": 0 }),
  ];
}

const NOTHING = { type: "FeatureCollection", features: [] };

/** Build the whole style.  `tiles` is an address with {z}, {x} and {y}; `bounds` is where they are. */
export function buildStyle(tokens, { tiles, bounds }) {
  const empty = () => ({ type: "geojson", data: NOTHING, tolerance: .2 });
  return {
    version: 8,
    sources: {
      city: { type: "vector", tiles: [tiles], minzoom: 9, maxzoom: 14, ...(bounds && { bounds }) },
      density: empty(), route: empty(), far: empty(),
    },
    layers: [...ground(tokens), density(tokens), ...streets(tokens), ...labels(tokens), ...overlays(tokens)],
  };
}

/** Give a map that is already drawn the colours of now; what lies on it stays as it is. */
export function recolour(map, tokens) {
  for (const layer of buildStyle(tokens, { tiles: "" }).layers) {
    for (const [name, value] of Object.entries(layer.paint ?? {})) {
      if (name.endsWith("-color")) map.setPaintProperty(layer.id, name, value);
    }
  }
}

/** Call `changed` whenever the page turns light or dark, by the system or by choice.  Returns how to stop. */
export function onThemeChange(changed) {
  const queries = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"].map((query) => matchMedia(query));
  const chosen = new MutationObserver(changed);
  chosen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  for (const query of queries) query.addEventListener("change", changed);
  return () => {
    chosen.disconnect();
    for (const query of queries) query.removeEventListener("change", changed);
  };
}
