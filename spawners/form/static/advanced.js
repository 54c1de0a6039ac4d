// The advanced options: only those that are a choice for this person, given what else is chosen.

function option({ value, title }) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = title;
  return element;
}

function showField(box, field) {
  const select = box.querySelector("select");
  const there = [...select.options].map(({ value, text }) => ({ value, title: text }));
  // An open list would close.
  if (JSON.stringify(there) !== JSON.stringify(field.options)) select.replaceChildren(...field.options.map(option));
  if (select.value !== field.chosen) select.value = field.chosen;
  select.disabled = box.hidden = !field.options.length;
  box.querySelector(".form-text").textContent = field.hint;
}

function showMemory(box, memory) {
  const input = box.querySelector("input");
  input.disabled = box.hidden = !memory;
  if (!memory) return;
  input.placeholder = String(memory.usual);
  box.querySelector(".form-text").textContent =
    `From ${memory.least} to ${memory.most} GB; leave it empty for the usual ${memory.usual} GB.`;
}

// What differs from the usual, for who does not open the options.
function changed(details) {
  const chosen = [...details.querySelectorAll("select:enabled")].filter((select) => select.value);
  const memory = details.querySelector("input:enabled");
  const words = chosen.map((select) => select.selectedOptions[0].text);
  if (memory?.value) words.push(`${memory.value} GB`);
  return words.join(" · ");
}

export function showAdvanced(details, { fields, memory }) {
  const box = (name) => details.querySelector(`[data-field="${CSS.escape(name)}"]`);
  fields.forEach((field) => showField(box(field.name), field));
  showMemory(box("memory"), memory);
  details.hidden = !memory && !fields.some((field) => field.options.length);
  details.querySelector(".campus-changed").textContent = changed(details);
}
