/* The officer's live map: asks every three seconds while the page is seen, and says how much there is. */

const page = document.querySelector("[data-live-map]");
const map = document.querySelector("#live-map");
const summary = page.querySelector("[data-summary]");
const rows = page.querySelector("[data-rides]");

function draw({ cars, rides }) {
  map?.setCars?.(cars.map((car) => ({ ...car, mine: car.busy })));
  map?.setPins?.(rides.map((ride) => ({ id: ride.ref, lat: ride.lat, lon: ride.lon, kind: "start" })));
  const said = summary.dataset.says.replace("{cars}", cars.length).replace("{rides}", rides.length);
  if (summary.textContent !== said) summary.textContent = said;
  rows.replaceChildren(...rides.map((ride) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const link = document.createElement("a");
    link.href = `${rows.dataset.order}?q=${ride.ref}`;
    link.textContent = ride.ref.slice(0, 8);
    head.append(link);
    const state = document.createElement("td");
    state.textContent = ride.says;
    const since = document.createElement("td");
    since.textContent = ride.since.slice(11, 19);
    row.append(head, state, since);
    return row;
  }));
}

async function look() {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(page.dataset.liveMap, { headers: { Accept: "application/json" } });
      if (answer.ok) draw(await answer.json());
    } catch {
      // Offline: what stands on the page was true a moment ago, and the next look comes soon.
    }
  }
  setTimeout(look, 3000);
}

await customElements.whenDefined("city-map");
look();
