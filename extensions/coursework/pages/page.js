// Times in the reader's own zone; one submission for one press; what JupyterLab has not saved yet.
'use strict';
for (const time of document.querySelectorAll('time')) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  const seconds = 'seconds' in time.dataset ? { second: '2-digit' } : {};
  time.textContent = at.toLocaleString([], {
    weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', ...seconds, timeZoneName: 'short',
  });
}

for (const button of document.querySelectorAll('button[data-busy]')) {
  const words = button.textContent;
  button.form.addEventListener('submit', () => {
    button.disabled = true;
    button.textContent = button.dataset.busy;
  });
  // The page may be shown again as it was left.
  addEventListener('pageshow', () => {
    button.disabled = false;
    button.textContent = words;
  });
}

// Whether there is something is known only where JupyterLab is open in this browser: its tabs answer.
const note = document.querySelector('[data-unsaved]');
if (note) {
  const folder = note.dataset.unsaved;
  const tabs = new BroadcastChannel('campus-coursework');
  const said = new Map(); // what each tab of JupyterLab has unsaved
  let saving = false;
  tabs.addEventListener('message', ({ data }) => {
    if (data?.unsaved === undefined || data.folder !== folder) return;
    said.set(data.tab, data.unsaved);
    const paths = [...new Set([...said.values()].flat())];
    note.hidden = paths.length === 0;
    note.querySelector('strong').textContent = `Not saved in JupyterLab: ${paths.join(', ')}.`;
    if (saving && !paths.length) location.reload(); // what is submitted is another now
  });
  note.querySelector('button').addEventListener('click', () => {
    saving = true;
    tabs.postMessage({ save: folder });
  });
  tabs.postMessage({ ask: folder });
}

// A form that its page sends by itself, once: where the page is shown again as it was left, its button is there.
const atOnce = document.querySelector('button[data-at-once]');
if (atOnce) {
  for (const part of document.querySelectorAll('[data-coming]')) part.hidden = false;
  for (const part of document.querySelectorAll('[data-asked]')) part.hidden = true;
  atOnce.form.requestSubmit(atOnce);
}
