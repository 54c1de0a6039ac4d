// What runs now, or ran last.

import { CAUSES } from './causes.js';
import { button, duration, element, replace, when } from './dom.js';

const WHAT = { grades: 'Grading', feedback: 'Releasing feedback' };

export function show(section, { busy, run, trouble }, stop) {
  section.hidden = !run && !trouble && !busy;
  if (section.hidden) {
    return;
  }
  const parts = [];
  if (busy && run?.state !== 'running') {
    parts.push(element('p', { role: 'status' }, 'Starting …'));
  } else if (run) {
    const gone = run.done + run.failed;
    const title = `${WHAT[run.what]} of ${run.assignment}`;
    parts.push(element('h2', {}, title));
    if (run.state === 'running') {
      parts.push(
        element('progress', { max: run.total || 1, value: run.started ? gone : null, 'aria-label': title }),
        element('p', { class: 'number', role: 'status' }, words(run, gone)),
        element('div', { class: 'buttons' }, button('Stop', 'stop', stop, 'outline-contrast')),
      );
    } else {
      parts.push(outcome(run, gone));
    }
  }
  if (trouble && run?.state !== 'stopped') {
    parts.push(element('div', { class: 'alert alert-danger' }, 'The run ended before its time.', element('pre', {}, trouble)));
  }
  replace(section, ...parts);
}

function words(run, gone) {
  if (!run.started) {
    return run.note || 'Starting …';
  }
  const said = [`${gone} of ${run.total}`];
  if (run.failed) {
    said.push(`${run.failed} failed`);
  }
  if (run.where) {
    said.push(run.where);
  }
  if (run.eta_seconds !== null) {
    said.push(`about ${duration(run.eta_seconds)} left`);
  }
  return said.join(', ') + (run.note ? `. ${run.note}` : '');
}

function outcome(run, gone) {
  const done = run.what === 'feedback' ? 'released' : 'graded';
  const said = `${run.done} ${done}${run.failed ? `, ${run.failed} failed` : ''}`;
  if (run.state === 'ended') {
    const causes = Object.entries(run.causes ?? {}).map(([cause, count]) => `${CAUSES[cause] ?? cause} (${count})`).join(', ');
    const text = `${said}, in ${duration(run.seconds)}, ${when(run.last)}.${causes ? ` Points were lost by ${causes}.` : ''}`;
    return element('div', { class: `alert alert-${run.failed ? 'warning' : 'success'}`, role: 'status' }, text);
  }
  if (run.state === 'stopped') {
    const { message, remedy } = run.error;
    return element('div', { class: 'alert alert-danger', role: 'alert' }, `${message} ${remedy} (${said}.)`);
  }
  const left = run.started ? `${gone} of ${run.total} were done` : 'Nothing was done yet';
  const text = `It was stopped, ${when(run.last)}: ${left}. Start it again, and it goes on from there.`;
  return element('div', { class: 'alert alert-warning', role: 'status' }, text);
}
