// The spawn page: asks the hub what is true now for what is chosen, after every change and every few seconds.
import { showAdvanced } from "./advanced.js";
import { showSizes } from "./cards.js";

const PERIOD = 10000; // milliseconds
const PAUSE = 300; // milliseconds without a key or a click before the hub is asked

const root = document.getElementById("campus-form");
const form = root.closest("form");
const notes = root.querySelector(".campus-notes");
const memory = root.querySelector("#campus-memory");
let timer;
let asking = new AbortController();

function chosen() {
  return [...new FormData(form)].filter(([name, value]) => name !== "_xsrf" && value !== "");
}

function showNotes(sentences) {
  notes.replaceChildren(...sentences.map((sentence) => {
    const line = document.createElement("p");
    line.textContent = sentence;
    return line;
  }));
}

async function ask(options, byHand) {
  asking.abort(); // of two answers the later one counts
  asking = new AbortController();
  const url = new URL(root.dataset.url, location.href);
  options.forEach(([name, value]) => url.searchParams.append(name, value));
  try {
    const answer = await fetch(url, { headers: { "X-XSRFToken": window.jhdata.xsrf_token }, signal: asking.signal });
    if (!answer.ok) return null;
    const now = await answer.json();
    showAdvanced(root.querySelector(".campus-advanced"), now);
    showSizes(root, now.sizes, now.options.size ?? now.sizes[0].name);
    // What was said about a choice stays until the next one.
    if (byHand || now.notes.length) showNotes(now.notes);
    return now;
  } catch (error) {
    return null; // the hub is away for a moment, or something else was chosen; the page keeps what it says
  }
}

function later(milliseconds, byHand) {
  clearTimeout(timer);
  const mine = timer = setTimeout(async () => {
    if (byHand || !document.hidden) await ask(chosen(), byHand);
    if (timer === mine) later(PERIOD, false);
  }, milliseconds);
}

// A link like /hub/spawn#size=gpu1&minutes=60 fills the form in, and leaves the start to the person.
async function fillIn() {
  const now = await ask([...new URLSearchParams(location.hash.slice(1))], true);
  if (!now) return;
  const size = root.querySelector(`input[name=size][value="${CSS.escape(now.options.size ?? "")}"]`);
  if (size) size.checked = true;
  root.querySelector("#campus-minutes").value = now.options.minutes ?? "";
  memory.value = now.memory?.chosen ?? "";
  const advanced = root.querySelector(".campus-advanced");
  advanced.open ||= Boolean(advanced.querySelector(".campus-changed").textContent || memory.value);
}

root.addEventListener("input", () => {
  asking.abort(); // an answer to what was chosen before would undo this choice
  later(PAUSE, true);
});
window.addEventListener("hashchange", fillIn);
if (location.hash.length > 1) await fillIn();
later(0, false);
