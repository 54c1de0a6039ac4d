// Keeps the part of the page fresh that says what the session does; without it, the page says it once.

import { localTimes } from "./times.js";

const SOON = 4000; // milliseconds, while a session comes or goes
const LATER = 60000;
const part = document.getElementById("session");

function span(seconds) {
  const minutes = Math.max(1, Math.floor(seconds / 60));
  const hours = Math.floor(minutes / 60);
  const left = minutes % 60;
  return [hours ? `${hours} h` : "", left || !hours ? `${left} min` : ""].filter(Boolean).join(" ");
}

function countDown() {
  for (const one of part.querySelectorAll("[data-ends]"))
    one.textContent = span(Number(one.dataset.ends) - Date.now() / 1000);
}

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(part.dataset.url, { headers: { "X-XSRFToken": part.dataset.xsrf } });
      // Whoever is about to press a button there must not find it gone from under the finger.
      if (answer.ok && !part.contains(document.activeElement)) {
        part.innerHTML = await answer.text();
        localTimes(part);
        countDown();
      }
    } catch {
      // The network is away for a moment: what was said stays.
    }
  }
  later();
}

function later() {
  const moving = part.querySelector("[data-state=waiting], [data-state=starting], [data-state=stopping]");
  setTimeout(look, moving ? SOON : LATER);
}

countDown();
setInterval(countDown, 20000);
document.addEventListener("visibilitychange", () => document.hidden || look());
later();
