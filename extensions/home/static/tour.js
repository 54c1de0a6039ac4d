// A short tour of Home: a dialog beside each of its parts, one after the other. Shown by itself once in a browser,
// and again by the button. Escape, or the button that says so, ends it.

const SEEN = "campus-tour";
const YEAR = 365 * 24 * 3600; // seconds
const dialog = document.getElementById("tour");
const steps = [...dialog.querySelectorAll("[data-step]")];
const part = (step) => (step.dataset.step ? document.getElementById(step.dataset.step) : null);
const button = (name) => dialog.querySelector(`[data-tour=${name}]`);
let shown = [];
let at = 0;

function light(element) {
  for (const lit of document.querySelectorAll(".campus-lit")) lit.classList.remove("campus-lit");
  if (!element) return;
  element.classList.add("campus-lit");
  element.scrollIntoView({ block: "center" });
}

function show(number) {
  at = number;
  for (const step of steps) step.hidden = step !== shown[at];
  const heading = shown[at].querySelector("h2");
  dialog.setAttribute("aria-labelledby", heading.id);
  button("place").textContent = `${at + 1} / ${shown.length}`;
  button("back").hidden = at === 0;
  button("next").hidden = at === shown.length - 1;
  button("skip").hidden = at === shown.length - 1;
  button("end").hidden = at !== shown.length - 1;
  light(part(shown[at])?.closest("section"));
  heading.focus({ preventScroll: true }); // so that it is read out
}

function begin() {
  // What this page has no part for is not told of.
  shown = steps.filter((step) => !step.dataset.step || part(step));
  if (!dialog.open) dialog.showModal();
  show(0);
}

button("next").addEventListener("click", () => show(at + 1));
button("back").addEventListener("click", () => show(at - 1));
for (const name of ["skip", "end"]) button(name).addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  light(null);
  document.cookie = `${SEEN}=1; path=${dialog.dataset.path}; max-age=${YEAR}; samesite=lax`;
  document.getElementById("tour-again").focus({ preventScroll: true });
});
document.getElementById("tour-again").addEventListener("click", begin);
document.getElementById("tour-again").hidden = false;
if (!document.cookie.split("; ").includes(`${SEEN}=1`)) begin();
