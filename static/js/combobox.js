/*
  A field with the list of places under it: the WAI-ARIA combobox with list autocomplete.

    <div class="combo" data-combo data-url="/places/search" data-found="{n} places found"
         data-found-one="1 place found">
      <label for="to">…</label>
      <span class="combo__field"><input id="to" name="to" role="combobox" aria-expanded="false"
            aria-controls="to-list" aria-autocomplete="list" autocomplete="off"></span>
      <input type="hidden" name="to_lat" data-lat> <input type="hidden" name="to_lon" data-lon>
      <ul class="combo__list" id="to-list" role="listbox" aria-label="…" hidden></ul>
    </div>

  The server answers ?q=…&list=to-list with <li role="option" data-name data-lat data-lon>.  When
  one is chosen the field holds its name, the hidden fields its point, and `combo:chosen` bubbles
  with {name, lat, lon}; data-send on the combo sends the form.  Without a script the form is sent
  with what was typed, and the server looks it up.
*/

import { say } from "./app.js";

const WAIT = 160;

class Combo {
  constructor(root) {
    this.root = root;
    this.input = root.querySelector("[role=combobox]");
    this.list = root.querySelector("[role=listbox]");
    this.lat = root.querySelector("[data-lat]");
    this.lon = root.querySelector("[data-lon]");
    this.active = -1;
    this.asked = null;
    this.input.addEventListener("input", () => { this.forget(); this.soon(); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 120));
    // The press must not take the focus from the field, or the list would close under the finger.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(option);
    });
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]:not([aria-disabled=true])")];
  }

  get isOpen() {
    return !this.list.hidden;
  }

  soon() {
    clearTimeout(this.timer);
    if (!this.input.value.trim()) {
      this.close();
      return;
    }
    this.timer = setTimeout(() => this.ask(), WAIT);
  }

  async ask() {
    this.asked?.abort();
    this.asked = new AbortController();
    const address = new URL(this.root.dataset.url, location.href);
    address.searchParams.set("q", this.input.value.trim());
    address.searchParams.set("list", this.list.id);
    if (this.root.dataset.city) address.searchParams.set("city", this.root.dataset.city);
    if (this.root.dataset.near) address.searchParams.set("near", this.root.dataset.near);
    try {
      const answer = await fetch(address, { signal: this.asked.signal, headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      this.list.innerHTML = await answer.text();
      this.open();
      const count = this.options.length;
      const { found, foundOne } = this.root.dataset;
      say(count === 1 ? foundOne : count ? found?.replace("{n}", count) : this.list.textContent.trim());
    } catch (error) {
      if (error.name === "AbortError") return;
      this.close();
      say(document.querySelector("#said")?.dataset.unreachable);
    }
  }

  open() {
    if (document.activeElement !== this.input) return;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.point(-1);
  }

  /** Also what is still being asked: its answer would open the list again. */
  close() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.point(-1);
  }

  point(index) {
    const options = this.options;
    this.active = index;
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    const option = options[index];
    if (option) {
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  key(event) {
    const last = this.options.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!this.isOpen) {
        this.ask();
        return;
      }
      const next = event.key === "ArrowDown" ? this.active + 1 : this.active - 1;
      this.point(next > last ? -1 : next < -1 ? last : next);
    } else if (event.key === "Enter" && this.isOpen && this.active >= 0) {
      event.preventDefault();
      this.choose(this.options[this.active]);
    } else if (event.key === "Escape" && (this.isOpen || this.input.value)) {
      event.preventDefault();
      event.stopPropagation();
      if (!this.isOpen) {
        this.input.value = "";
        this.forget();
      }
      this.close();
    }
  }

  /** What was typed since is no longer the place that was chosen. */
  forget() {
    if (this.lat) this.lat.value = "";
    if (this.lon) this.lon.value = "";
  }

  choose(option) {
    const { name, lat, lon } = option.dataset;
    if (name === undefined) return;
    this.input.value = name;
    if (this.lat) this.lat.value = lat;
    if (this.lon) this.lon.value = lon;
    this.close();
    this.root.dispatchEvent(new CustomEvent("combo:chosen", {
      bubbles: true, detail: { name, lat: Number(lat), lon: Number(lon) },
    }));
    if (this.root.hasAttribute("data-send")) this.input.form.requestSubmit();
  }
}

const known = new WeakSet();

/** Bring the combos of a part of the page to life; one that lives already is left alone. */
export function enliven(part = document) {
  for (const root of part.querySelectorAll("[data-combo]")) {
    if (known.has(root)) continue;
    known.add(root);
    new Combo(root);
  }
}

enliven();
document.addEventListener("htmx:after:swap", () => enliven());
