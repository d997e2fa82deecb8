{% comment %} Served at /sw.js, so that it stands over the whole site. {% endcomment %}/*
  What a phone keeps of the city for when there is no signal: the shell of the pages, and of the
  pages themselves the few that somebody needs in the street.  The network always comes first.

  Pages are kept under the name of the person they were written for, one person at a time.
  Whoever signs out takes theirs along.
*/
const SHELL = "shell-{{ version }}";
const FILES = {{ files }};
const OFFLINE = "{{ offline }}";
const PAGES = "pages-";
const KEPT = /^\/(?:orders\/)?$|^\/(?:rides|orders)\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/$/;
const MOST = 30;
// A line that says nothing for so long is shown what is kept, if anything is; it may still answer.
const PATIENCE = 5000;

const isOurs = (url) => url.origin === location.origin;
const isKept = (url) => isOurs(url) && !url.search && KEPT.test(url.pathname);

addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) =>
    cache.addAll([...FILES, new Request(OFFLINE, { cache: "reload" })])));
  skipWaiting();
});

addEventListener("activate", (event) => {
  const settle = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("shell-") && name !== SHELL) await caches.delete(name);
    }
    await clients.claim();
  };
  event.waitUntil(settle());
});

/** Drop the pages of everybody but one person; of everybody, if nobody is named. */
async function forget(except) {
  for (const name of await caches.keys()) {
    if (name.startsWith(PAGES) && name !== except) await caches.delete(name);
  }
}

// Pages are kept and dropped one after the other: one that was on its way when somebody signed
// out must not come back after the others went.
let turn = Promise.resolve();
let leaves = 0;

function inTurn(work) {
  turn = turn.then(work, work);
  return turn;
}

function leave() {
  leaves += 1;
  return inTurn(() => forget());
}

async function keep(address, response, since) {
  const text = await response.text();
  const person = /<meta name="person" content="(\w*)">/.exec(text);
  if (!person) return;
  const headers = new Headers(response.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  const mark = `<head><meta name="kept-at" content="${new Date().toISOString()}">`;
  await inTurn(async () => {
    if (since !== leaves) return;
    const name = PAGES + person[1];
    await forget(name);
    const cache = await caches.open(name);
    await cache.delete(address, { ignoreVary: true });
    await cache.put(address, new Response(text.replace("<head>", mark), { headers }));
    const all = await cache.keys();
    for (const old of all.slice(0, Math.max(0, all.length - MOST))) await cache.delete(old);
  });
}

async function stored(address) {
  await turn;
  for (const name of await caches.keys()) {
    if (!name.startsWith(PAGES)) continue;
    const found = await (await caches.open(name)).match(address, { ignoreVary: true });
    if (found) return found;
  }
  return undefined;
}

/** What the city answers to a visit, kept for later if it is of those that are. */
async function answer(event, url) {
  const since = leaves;
  const response = await fetch(event.request);
  if (response.status === 401 || response.status === 403) {
    await leave();
  } else if (isKept(url) && response.ok && !response.redirected) {
    event.waitUntil(keep(url.href, response.clone(), since));
  }
  return response;
}

async function visit(event, url) {
  const answered = answer(event, url);
  event.waitUntil(answered.catch(() => undefined));
  try {
    if (!isKept(url)) return await answered;
    const silence = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    const first = await Promise.race([answered, silence]);
    return first ?? (await stored(url.href)) ?? (await answered);
  } catch {
    const copy = isKept(url) ? await stored(url.href) : undefined;
    return copy ?? (await caches.match(OFFLINE, { ignoreVary: true })) ?? Response.error();
  }
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (!isOurs(url)) return;
  // Whoever comes to sign in is not signed in, and whoever signs out wants nothing left.
  if (/^\/accounts\/log(?:in|out)\//.test(url.pathname)) {
    if (url.pathname.includes("login") || request.method === "POST") event.waitUntil(leave());
  }
  if (request.method !== "GET") return;
  if (/^\/(?:admin|api)\//.test(url.pathname)) return;
  if (request.mode === "navigate") event.respondWith(visit(event, url));
  else if (FILES.includes(url.pathname)) {
    event.respondWith(caches.match(request, { ignoreVary: true }).then((file) => file ?? fetch(request)));
  }
});

// A page says who reads it; one that changed since it was loaded asks to be kept as it is now.
addEventListener("message", (event) => {
  const { person = "", page } = event.data ?? {};
  const work = async () => {
    await inTurn(() => forget(PAGES + person));
    if (!page || !isKept(new URL(page))) return;
    const since = leaves;
    const response = await fetch(page, { headers: { Accept: "text/html" } }).catch(() => null);
    if (response?.ok && !response.redirected) await keep(page, response, since);
  };
  event.waitUntil(work());
});
{% include "notifications/sw.js" %}
