/* The platform at a glance: the page asks for itself while it is seen, and puts in what changed. */

const every = Number(document.querySelector("[data-refresh]").dataset.refresh);

async function look() {
  const old = document.querySelector("[data-refresh]");
  if (document.visibilityState === "visible" && !old.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.href);
      const fresh = answer.ok && !answer.redirected && new DOMParser()
        .parseFromString(await answer.text(), "text/html").querySelector("[data-refresh]");
      if (fresh) old.replaceWith(fresh);
    } catch {
      // Offline: the page says when it was true.
    }
  }
  setTimeout(look, every);
}

setTimeout(look, every);
