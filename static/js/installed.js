/*
  The city as an app on a phone: what is kept for when there is no signal (/sw.js does it).

  A page that comes from what was kept says since when it is true, and is asked for again as soon
  as there is a line.  `keepPage()` keeps a page anew that changed without being loaded again.
*/

const person = document.querySelector('meta[name="person"]')?.content ?? "";
const keptAt = document.querySelector('meta[name="kept-at"]')?.content;
const strip = document.querySelector("#offline");

if (keptAt && strip) {
  const time = new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(new Date(keptAt));
  strip.querySelector("span").textContent = strip.dataset.kept.replace("{time}", time);
  strip.hidden = false;
  // A phone says that it is back before it is: only an answer of the city itself counts.
  addEventListener("online", () => {
    fetch(location.href, { method: "HEAD" }).then(() => location.reload(), () => {});
  });
}

export async function keepPage() {
  const { active } = await navigator.serviceWorker.ready;
  active?.postMessage({ person, page: location.origin + location.pathname });
}

async function settle() {
  const wasWatched = Boolean(navigator.serviceWorker.controller);
  await navigator.serviceWorker.register("/sw.js", { type: "classic", updateViaCache: "none" });
  // The first page was loaded before anybody could keep it.
  if (!wasWatched) await keepPage();
  else if (!keptAt) navigator.serviceWorker.controller?.postMessage({ person });
}

if ("serviceWorker" in navigator) {
  const begin = () => settle().catch(() => {}); // without it the city works as before
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin, { once: true });
}
