/* Where a ride went, as a line, over the planned way as dots.  The table below says it in words. */

const map = document.querySelector("#map");
const { planned, driven, start, end } = JSON.parse(document.querySelector("#map-data").textContent);

await customElements.whenDefined("city-map");
map.ready.then(() => {
  map.setRoute(driven, { farLine: planned });
  map.setPins([{ id: "start", kind: "start", ...start }, { id: "end", kind: "end", ...end }]);
  map.fit([...driven, ...planned], { animate: false });
}).catch(() => {}); // without WebGL the table is all there is
