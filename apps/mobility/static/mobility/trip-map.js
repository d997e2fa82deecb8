/* Draws a trip on the page's map: the way, both ends, the stops, the car.  The page says the same in words. */

const element = document.querySelector("#map-data");

/** The page's map, once it can be drawn, with the trip that the page brought; or null. */
export async function tripMap() {
  const map = document.querySelector("#map");
  if (!map) return null;
  await customElements.whenDefined("city-map");
  const trip = element ? JSON.parse(element.textContent) : null;
  try {
    await map.ready;
  } catch {
    return null; // without WebGL the page is whole without it
  }
  if (trip?.line) {
    map.setRoute(trip.line);
    map.setPins([
      { id: "start", kind: "start", ...trip.start },
      { id: "end", kind: "end", ...trip.end },
      ...(trip.stops ?? []).flatMap(({ lat, lon, name }, n) => [
        { id: `stop-${n}`, kind: "stop", lat, lon },
        { id: `stop-${n}-says`, kind: "says", lat, lon, title: name },
      ]),
      { id: "start-says", kind: "says", lat: trip.start.lat, lon: trip.start.lon, title: trip.start.name },
      { id: "end-says", kind: "says", lat: trip.end.lat, lon: trip.end.lon, title: trip.end.name },
    ]);
    if (trip.car) map.setCars([{ id: "car", mine: true, ...trip.car }]);
    map.fit(null, { animate: false });
  }
  return map;
}
