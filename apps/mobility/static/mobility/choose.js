/* Names the chosen ride and its sum on the button; without a script it says "Request this ride". */

import { say } from "../js/app.js";
import { tripMap } from "./trip-map.js";

const form = document.querySelector("[data-choose]");
const ask = form.querySelector("[data-ask]");
const sum = form.querySelector("[data-ask-sum]");

function show(radio, aloud) {
  const { name, sum: price, kind } = radio.dataset;
  if (ask) {
    ask.textContent = ask.dataset.says.replace("{name}", name);
    sum.textContent = price;
  }
  for (const lines of form.querySelectorAll("[data-price]")) {
    lines.classList.toggle("is-chosen", lines.dataset.price === kind);
  }
  if (aloud) say(`${name}, ${price}`);
}

form.addEventListener("change", ({ target }) => {
  if (target.name === "quote") show(target, true);
});
form.addEventListener("submit", () => {
  // One tap is one order; the key makes a second one harmless, this makes it unlikely.
  form.querySelector(".stage__action [type=submit]")?.setAttribute("aria-disabled", "true");
});
const chosen = form.querySelector("[name=quote]:checked") ?? form.querySelector("[name=quote]");
if (chosen) {
  chosen.checked = true;
  show(chosen, false);
}
tripMap();
