// What people read. Slurm's and the kernel's gigabytes are 2^30 bytes, as on the page where a size is chosen.
import { isFull } from './watches.js';

const GB = 2 ** 30;

// Seconds to the end now, null where none is known; `at` is when the answer came (Date.now()).
export function secondsLeft(session, at, now = Date.now()) {
  if (session?.seconds_left == null) return null;
  return Math.max(0, session.seconds_left - (now - at) / 1000);
}

// Days, hours and minutes, to the nearest minute: the item and the sentences say the same.
function split(left) {
  const all = Math.round(left / 60);
  return [Math.floor(all / 1440), Math.floor(all / 60) % 24, all % 60];
}

// "1 h 52 min", "14 min", "50 s"
export function short(left) {
  const [days, hours, mins] = split(left);
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${mins} min`;
  return left >= 90 ? `${mins} min` : `${Math.floor(left)} s`;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

// "1 hour 52 minutes", "15 minutes", "less than a minute"
export function long(left) {
  if (left < 60) return 'less than a minute';
  const [days, hours, mins] = split(left);
  const parts = [[days, 'day'], [hours, 'hour'], [mins, 'minute']].filter(([number]) => number);
  return parts.map(([number, noun]) => count(number, noun)).join(' ');
}

const inGb = bytes => String(Math.round((bytes / GB) * 10) / 10);
const ofGb = (used, limit) => (limit ? `${inGb(used)} of ${inGb(limit)} GB` : `${inGb(used)} GB`);
const sum = numbers => numbers.reduce((a, b) => a + b, 0);
const known = (gpus, key) => gpus.length > 0 && gpus.every(gpu => gpu[key] !== null);

// "GPU 0", "GPUs 0, 1", "4 GPUs"
function gpuNames(gpus) {
  const ids = gpus.map(gpu => gpu.id);
  const numbers = ids.every(id => /^\d+$/.test(id));
  if (ids.length === 1) return numbers ? `GPU ${ids[0]}` : '1 GPU';
  return numbers && ids.length < 4 ? `GPUs ${ids.join(', ')}` : `${ids.length} GPUs`;
}

// How busy the GPUs are, together.
const busy = gpus => `${Math.round(sum(gpus.map(gpu => gpu.utilisation)) / gpus.length)} %`;

// When memory is nearly used up.
export function memoryWarning({ used, limit }) {
  return `Memory: ${ofGb(used, limit)} used. When it is full, a kernel is ended. Shut down notebooks that you do not need.`;
}

// The status bar's words, and how pressing they are: '', 'soon' or 'now'.
export function item(session, left) {
  const { memory, gpus } = session;
  const parts = [];
  if (left !== null) parts.push(left > 0 ? `${short(left)} left` : 'time is up');
  if (memory) parts.push(ofGb(memory.used, memory.limit));
  if (gpus.length) parts.push(known(gpus, 'utilisation') ? `${gpuNames(gpus)} ${busy(gpus)}` : gpuNames(gpus));
  let state = isFull(memory) ? 'soon' : '';
  if (left !== null && left <= 15 * 60) state = left <= 5 * 60 ? 'now' : 'soon';
  return { text: parts.join(' · ') || `job ${session.job}`, state };
}

// "16:30", with the day where that is not today; `end` in seconds since the epoch.
function clock(end) {
  const date = new Date(end * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], { hour: '2-digit', minute: '2-digit', ...(today ? {} : { weekday: 'long' }) });
}

// When an idle session is about to end; `idle` as the session tells it.
export function idleWarning({ because, idle, ends_in }, now = Date.now()) {
  const what = because === 'gpu' ? 'The GPU has been idle' : 'This session has been idle';
  return `${what} for ${long(idle)}. The session ends at ${clock(now / 1000 + ends_in)}; variables are lost then.`;
}

// The same in sentences: for the tooltip, for a screen reader, and for who presses the item.
// JupyterLab shows 140 characters of a notification.
export function details(session, left) {
  const { memory, gpus } = session;
  const said = [];
  if (left === null) said.push('This session has no known end');
  else said.push(left > 0 ? `This session ends at ${clock(session.end)}, in ${long(left)}` : 'The time of this session is up');
  if (memory) said.push(`Memory: ${ofGb(memory.used, memory.limit)}`);
  if (gpus.length) {
    const all = key => sum(gpus.map(gpu => gpu[key]));
    const more = [];
    if (known(gpus, 'memory_used')) more.push(ofGb(all('memory_used'), known(gpus, 'memory_total') && all('memory_total')));
    if (known(gpus, 'utilisation')) more.push(`${busy(gpus)} busy`);
    said.push([gpuNames(gpus), more.join(', ')].filter(Boolean).join(': '));
  }
  said.push(`Job ${session.job}`);
  return `${said.join('. ')}.`;
}
