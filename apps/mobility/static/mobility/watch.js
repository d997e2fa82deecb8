/* Moves the car on the map whenever htmx has put a newer sheet in place. */

import { tripMap } from "./trip-map.js";

const drawn = tripMap();
let isFirst = true;

async function move() {
  const { lat, lon, heading } = document.querySelector("#watch")?.dataset ?? {};
  const map = await drawn;
  if (!map) return;
  if (!lat) {
    map.setCars([]);
    return;
  }
  map.setCars([{
    id: "car", mine: true, lat: Number(lat), lon: Number(lon),
    heading: heading ? Number(heading) : null,
  }]);
  if (isFirst) map.fit([[Number(lon), Number(lat)]], { animate: false });
  isFirst = false;
}

move();
new MutationObserver(move).observe(document.querySelector("#watch").parentElement, { childList: true });
