/*
  A WebSocket that comes back: after a lost line, a slept phone, a restart of the city.

    const line = connect("/ws/driver", {
      onMessage(message) { … },          // parsed JSON
      onState(state, closeCode) { … },   // connecting | open | waiting | offline | refused
      hello: { type: "sync" },           // sent whenever the line opens: the server says how it stands
    });
    line.send({ type: "accept", offer: 7 });   // false if the line is down: nothing is kept back
    line.close();

  Waits grow from half a second to twenty, each drawn at random up to its limit, so that a
  thousand phones do not knock at once.  A code that says no (4401, 4403, 4404) ends it.
  A line that is open but dead (a lost cell, a router that forgot it) is found by asking: the server
  answers `ping` with `pong`, and a line that does not answer is opened anew.
  `showState(element)` gives a handler that writes the state where people see it.
*/

import { say } from "./app.js";

const FIRST = 500;
const LONGEST = 20_000;
// After so long without a word the line is asked, and given so long to answer.
const QUIET = 25_000;
const DEADLINE = 8_000;
const NO = new Set([4401, 4403, 4404]);

export function connect(path, { onMessage = () => {}, onState = () => {}, hello = null } = {}) {
  const address = new URL(path, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;
  let tries = 0;
  let timer = 0;
  let pulse = 0;
  let isClosed = false;

  const tell = (state, code) => onState(state, code);

  /** A line that says nothing is asked, and one that does not answer is dead, whatever it says. */
  function listen(own) {
    clearTimeout(pulse);
    pulse = setTimeout(() => {
      if (socket !== own || own.readyState !== WebSocket.OPEN) return;
      own.send(JSON.stringify({ type: "ping" }));
      expect(own);
    }, QUIET);
  }

  function expect(own) {
    clearTimeout(pulse);
    pulse = setTimeout(() => {
      if (socket !== own) return;
      lost(own);
      own.close();
    }, DEADLINE);
  }

  function lost(own, code) {
    if (socket !== own) return;
    socket = null;
    clearTimeout(pulse);
    if (isClosed) return;
    if (NO.has(code)) {
      isClosed = true;
      tell("refused", code);
      return;
    }
    const limit = Math.min(LONGEST, FIRST * 2 ** tries);
    tries += 1;
    tell(navigator.onLine ? "waiting" : "offline", code);
    timer = setTimeout(open, limit / 4 + Math.random() * limit * 3 / 4);
  }

  function open() {
    clearTimeout(timer);
    if (isClosed || socket) return;
    if (!navigator.onLine) {
      tell("offline");
      return;
    }
    tell("connecting");
    const own = new WebSocket(address);
    socket = own;
    own.addEventListener("open", () => {
      if (hello) own.send(JSON.stringify(hello));
      listen(own);
      tell("open");
    });
    own.addEventListener("message", ({ data }) => {
      listen(own);
      let message;
      try {
        message = JSON.parse(data);
      } catch {
        return; // not ours
      }
      tries = 0; // only a line that speaks is a good one
      if (message.type !== "pong") onMessage(message);
    });
    own.addEventListener("close", ({ code }) => lost(own, code));
  }

  function drop() {
    const own = socket;
    socket = null;
    own?.close();
  }

  const onOnline = () => { tries = 0; open(); };
  const onOffline = () => { drop(); clearTimeout(timer); if (!isClosed) tell("offline"); };
  // A phone that was asleep may hold a dead line for minutes; whoever looks again asks again.
  const onVisible = () => {
    if (document.visibilityState !== "visible") return;
    tries = 0;
    if (socket?.readyState === WebSocket.OPEN && hello) {
      socket.send(JSON.stringify(hello));
      expect(socket);
    } else open();
  };
  addEventListener("online", onOnline);
  addEventListener("offline", onOffline);
  document.addEventListener("visibilitychange", onVisible);
  open();

  return {
    send(message) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      removeEventListener("online", onOnline);
      removeEventListener("offline", onOffline);
      document.removeEventListener("visibilitychange", onVisible);
      drop();
    },
  };
}

/**
 * Write the state of a line into an element that carries the words as data-connecting,
 * data-waiting, data-offline, data-refused and data-open.  Where there are no words it hides.
 * A good line that was lost and came back is said aloud, a first one is not.
 */
export function showState(element) {
  let wasLost = false;
  return (state) => {
    const words = element.dataset[state] ?? "";
    element.dataset.state = state;
    element.hidden = !words || (state === "connecting" && !wasLost);
    const text = element.querySelector("[data-words]") ?? element;
    if (text.textContent !== words) text.textContent = words;
    if (state === "open" && wasLost) say(document.querySelector("#said")?.dataset.online);
    if (state === "waiting" || state === "offline") {
      if (!wasLost) say(words);
      wasLost = true;
    } else if (state === "open") {
      wasLost = false;
    }
  };
}
