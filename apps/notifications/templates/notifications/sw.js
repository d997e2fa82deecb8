{% load static %}
/* --- news on a locked phone ------------------------------------------------------------ */

const NEWS_ICON = "{% static 'icons/192.png' %}";

/*
  Show what the city sent.  What runs out says so when its time is over, if nobody has answered or
  put it away by then; and at once if it comes too late.
*/
async function showNews(told) {
  const ends = told.expires_at ? Date.parse(told.expires_at) : Infinity;
  const { tag, lang } = told;
  const shared = { tag, lang, data: { url: told.url }, icon: NEWS_ICON, badge: NEWS_ICON };
  const sayOver = () => registration.showNotification(told.over, { ...shared, silent: true });
  for (const page of await clients.matchAll({ type: "window" })) page.postMessage({ news: true });
  if (ends <= Date.now()) {
    await sayOver();
    return;
  }
  await registration.showNotification(told.title, {
    ...shared,
    body: told.body,
    renotify: true,
    requireInteraction: ends !== Infinity,
    ...(ends !== Infinity && { vibrate: [300, 150, 300, 150, 300] }),
  });
  if (ends === Infinity) return;
  await new Promise((done) => { setTimeout(done, ends - Date.now()); });
  if ((await registration.getNotifications({ tag })).length) await sayOver();
}

addEventListener("push", (event) => {
  let told;
  try {
    told = event.data.json();
  } catch {
    return; // not ours
  }
  event.waitUntil(showNews(told));
});

/** Open where a notice leads: in a page of the city that is open, or in a new one. */
async function follow(address) {
  const url = new URL(address, location.origin);
  if (!isOurs(url)) return;
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find((page) => new URL(page.url).pathname === url.pathname) ?? pages[0];
  if (open) {
    try {
      await open.focus();
      if (new URL(open.url).pathname !== url.pathname) await open.navigate(url.href);
      return;
    } catch {
      // Some browsers let nobody steer a page that another worker looks after.
    }
  }
  await clients.openWindow(url.href);
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(follow(event.notification.data?.url ?? "/"));
});

// Whoever signs out is not rung here any more; the push server tells the city so.
addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "POST" || !isOurs(url)) return;
  if (!url.pathname.startsWith("/accounts/logout/")) return;
  const hush = async () => (await registration.pushManager.getSubscription())?.unsubscribe();
  event.waitUntil(hush().catch(() => {}));
});
