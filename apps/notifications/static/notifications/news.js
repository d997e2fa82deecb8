/*
  News on every page of somebody who is signed in: how much of it is unread, and whether this
  device is theirs to ring.  See /sw.js for what a locked phone shows.
*/

export const person = document.querySelector('meta[name="person"]')?.content ?? "";
const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const KEPT = "rings";

export function call(path, method = "GET", body = undefined) {
  return fetch(`/api/v1/${path}`, {
    method,
    headers: {
      Accept: "application/json",
      "X-CSRFToken": token,
      ...(body && { "Content-Type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
}

/** Write how much is unread into the bar. */
export function count(unread) {
  for (const bell of document.querySelectorAll("[data-unread]")) {
    bell.dataset.unread = String(unread);
    bell.querySelector("[data-count]").textContent = unread ? String(Math.min(unread, 99)) : "";
    bell.querySelector("[data-words]").textContent = bell.dataset.pattern.replace("{count}", String(unread));
  }
}

async function recount() {
  const answer = await call("notices/unread");
  if (answer.ok) count((await answer.json()).unread);
}

/** What a person calls this device: its browser and what it runs on. */
function nameOf() {
  const agent = navigator.userAgent;
  const browser = /Firefox|Edg|OPR|SamsungBrowser|Chrome|Safari/.exec(agent)?.[0] ?? "";
  const known = { Edg: "Edge", OPR: "Opera", SamsungBrowser: "Samsung Internet" };
  const system = /Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux/.exec(agent)?.[0] ?? "";
  return [known[browser] ?? browser, system].filter(Boolean).join(", ");
}

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));

/** Let this browser be rung for whoever is signed in. */
export async function ring(key) {
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = (await pushManager.getSubscription())
    ?? (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) }));
  const answer = await call("devices", "POST", { ...subscription.toJSON(), name: nameOf() });
  if (!answer.ok) throw new Error(`the city said ${answer.status}`);
  localStorage.setItem(KEPT, `${person} ${subscription.endpoint}`);
  return subscription;
}

/*
  A browser may change its address by itself, and a device may change hands.  Whoever let it ring
  and signs in again is rung again; whoever else signs in hears nothing that is not theirs.
*/
async function settle() {
  const [owner, endpoint] = (localStorage.getItem(KEPT) ?? "").split(" ");
  if (!owner || Notification.permission !== "granted") return;
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  if (owner !== person) {
    await subscription?.unsubscribe();
    localStorage.removeItem(KEPT);
  } else if (subscription?.endpoint !== endpoint) {
    const answer = await call("devices/key");
    if (answer.ok) await ring((await answer.json()).key);
  }
}

/** What leads to the page that is open has been seen: put it away. */
async function putAway() {
  if (!navigator.serviceWorker || document.visibilityState !== "visible") return;
  for (const shown of await (await navigator.serviceWorker.ready).getNotifications()) {
    if (shown.data?.url === location.pathname) shown.close();
  }
}

if (person) {
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data?.news) recount().catch(() => {});
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    recount().catch(() => {});
    putAway().catch(() => {});
  });
  putAway().catch(() => {});
  if ("PushManager" in globalThis && "Notification" in globalThis) settle().catch(() => {});
}
