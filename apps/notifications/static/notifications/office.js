/*
  The officer's first page rings while a call for help is unread: a banner that is read out, the
  title of the page, and a tone where the browser lets a page make one.
*/

import { connect } from "../js/socket.js";

const box = document.querySelector("#ringing");
const list = box.querySelector("ul");
const title = document.title;
let known = "";

function tone() {
  const sound = new AudioContext();
  if (sound.state !== "running") return; // nobody has touched the page yet
  const wave = sound.createOscillator();
  const volume = sound.createGain();
  volume.gain.value = 0.2;
  wave.frequency.value = 880;
  wave.connect(volume).connect(sound.destination);
  wave.start();
  wave.stop(sound.currentTime + 0.6);
  wave.addEventListener("ended", () => sound.close());
}

function show(ringing) {
  const now = ringing.map(({ ref }) => ref).join();
  box.hidden = !ringing.length;
  document.title = ringing.length ? `(${ringing.length}) ${box.dataset.title}` : title;
  if (now === known) return;
  known = now;
  list.replaceChildren(...ringing.map(({ ref, title: says, text }) => {
    const row = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/notices/${ref}/`;
    link.textContent = says;
    row.append(link, ` ${text}`);
    return row;
  }));
  if (ringing.length) tone();
}

setInterval(() => { if (known) tone(); }, 5_000);
connect("/ws/news", {
  hello: { type: "sync" },
  onMessage(message) { if (message.type === "news") show(message.ringing); },
});
