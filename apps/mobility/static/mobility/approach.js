/*
  The dotted way of a car to the pick-up.  It is asked of the city now and then, because the car
  moves; until there is an answer, and when there is none, it is a straight line.
*/

const EVERY = 15_000;

export class Approach {
  #asked = 0;
  #goal = "";
  #line = null;

  /** `city` is the city's slug; `changed` is called when a better line has come. */
  constructor(city, changed) {
    this.city = city;
    this.changed = changed;
  }

  /** The way from the car to the pick-up as [lon, lat] pairs; both are {lat, lon}. */
  from(car, pickup) {
    const goal = `${pickup.lat},${pickup.lon}`;
    if (goal !== this.#goal) [this.#goal, this.#line, this.#asked] = [goal, null, 0];
    if (Date.now() - this.#asked >= EVERY) this.#ask(car, goal);
    const here = [car.lon, car.lat];
    return [here, ...(this.#line ?? []), [pickup.lon, pickup.lat]];
  }

  async #ask(car, goal) {
    this.#asked = Date.now();
    const asked = new URLSearchParams({ city: this.city, from: `${car.lat},${car.lon}`, to: goal });
    try {
      const answer = await fetch(`/api/v1/places/route?${asked}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || goal !== this.#goal) return;
      this.#line = (await answer.json()).line;
      this.changed();
    } catch {
      // The strip at the top says that there is no connection.
    }
  }
}
