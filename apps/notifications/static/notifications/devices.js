/*
  The button that lets this device ring.  Nobody is asked before they press it.
*/

import { ring } from "./news.js";

const box = document.querySelector("#rings");
const button = box?.querySelector("[data-ring]");

function show(state) {
  for (const words of box.querySelectorAll("[data-when]")) words.hidden = words.dataset.when !== state;
  button.hidden = state !== "off" && state !== "failed";
  button.removeAttribute("aria-busy");
}

/** The list on the page names each device by a digest of its address. */
async function markOf(endpoint) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(digest)].slice(0, 8).map((one) => one.toString(16).padStart(2, "0")).join("");
}

async function look() {
  if (!("PushManager" in globalThis && "Notification" in globalThis && navigator.serviceWorker)) {
    show("unable");
    return;
  }
  if (Notification.permission === "denied") {
    show("denied");
    return;
  }
  // As it stands before a worker is there: the button waits for it.
  show("off");
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  const mark = subscription && (await markOf(subscription.endpoint));
  const row = mark && document.querySelector(`[data-mark="${mark}"]`);
  if (!row) return;
  row.querySelector("[data-this]").hidden = false;
  show("on");
}

button?.addEventListener("click", async () => {
  button.setAttribute("aria-busy", "true");
  try {
    if ((await Notification.requestPermission()) !== "granted") {
      show(Notification.permission === "denied" ? "denied" : "off");
      return;
    }
    await ring(box.dataset.key);
    location.reload();
  } catch {
    show("failed");
  }
});

if (box) look().catch(() => show("failed"));
