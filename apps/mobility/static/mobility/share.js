/* Sends the link by whatever the phone offers, or copies it.  Without either it can be marked by hand. */

import { say } from "../js/app.js";

const field = document.querySelector("[data-address]");
const button = document.querySelector("[data-send]");

if (field && button && (navigator.share || navigator.clipboard)) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      if (navigator.share) {
        await navigator.share({ title: button.dataset.title, url: field.value });
      } else {
        await navigator.clipboard.writeText(field.value);
        say(button.dataset.copied);
        button.textContent = button.dataset.copied;
      }
    } catch {
      field.select(); // called off, or not allowed: the address can still be copied by hand
    }
  });
}
field?.addEventListener("focus", () => field.select());
