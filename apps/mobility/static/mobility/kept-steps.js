/*
  Steps of a ride that were taken without a line: kept on the phone, sent in their order, each with
  the time at which it was taken and a key by which the city knows it when it comes twice.

  They belong to the person who took them: somebody else on the same phone neither sees nor sends
  them.  A step that the city refuses ends the queue of its ride, for what follows stood on it.
*/

const PLACE = "driver-steps";
const PATIENCE = 10_000;
const MAY_WAIT = new Set(["arrive", "board", "drop_off"]);

export const mayWait = (step) => MAY_WAIT.has(step);

/** By which the city knows a step that is told twice. */
export const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

export class KeptSteps {
  #person;
  #sending = null;

  constructor(person) {
    this.#person = person;
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    } catch {
      return [];
    }
  }

  get all() {
    return this.#read().filter((one) => one.person === this.#person);
  }

  #write(mine) {
    const steps = [...this.#read().filter((one) => one.person !== this.#person), ...mine];
    if (steps.length) localStorage.setItem(PLACE, JSON.stringify(steps));
    else localStorage.removeItem(PLACE);
  }

  /** Keep a step.  Raises where the phone keeps nothing, so that nobody believes otherwise. */
  keep({ url, ride, step, code, key }) {
    const own = { person: this.#person, url, ride, step, code, key, at: Date.now() };
    this.#write([...this.all, own]);
    return own;
  }

  /**
   * Send what waits, in order.  Returns {left, refused, isStranger}: how many wait still, what the
   * city said to a step that it refused, and whether it does not know who is asking.  Asked while
   * it is sending, it gives the same answer.
   */
  send(token) {
    this.#sending ??= this.#go(token).finally(() => { this.#sending = null; });
    return this.#sending;
  }

  async #go(token) {
    let refused = null;
    let isStranger = false;
    for (let next = this.all[0]; next; next = this.all[0]) {
      const answer = await this.#post(next, token).catch(() => null);
      isStranger = [401, 403].includes(answer?.status);
      // No line, a city that is down or busy, or signed out: it waits.
      if (!answer || answer.status >= 500 || [401, 403, 408, 429].includes(answer.status)) break;
      if (answer.ok) {
        this.#write(this.all.filter((one) => one.key !== next.key));
      } else {
        refused = (await answer.json().catch(() => ({}))).title ?? String(answer.status);
        this.#write(this.all.filter((one) => one.ride !== next.ride));
      }
    }
    return { left: this.all.length, refused, isStranger };
  }

  async #post({ url, step, code, key, at }, token) {
    // Phones have clocks of their own: how long ago it was counts, from what the city's clock says.
    const head = await fetch("/healthz", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const now = Date.parse(head.headers.get("Date") ?? "") || Date.now();
    const takenAt = new Date(now - Math.max(0, Date.now() - at));
    return fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "Idempotency-Key": key, "X-CSRFToken": token },
      body: JSON.stringify({ step, ...(code && { code }), taken_at: takenAt.toISOString() }),
      signal: AbortSignal.timeout(PATIENCE),
    });
  }
}
