// The submissions of one assignment: who has which grade, and why not.

import { CAUSES } from './causes.js';
import { button, duration, element, replace, when } from './dom.js';

export function show(section, assignment, found, { only, filter, act, busy, formgrader }) {
  const counted = {};
  for (const one of found) {
    for (const cause of causes(one)) {
      counted[cause] = (counted[cause] ?? 0) + 1;
    }
  }
  const rows = found.filter(one => !only || causes(one).includes(only));
  section.hidden = false;
  replace(
    section,
    element('h2', { id: 'submissions-title' }, `Submissions of ${assignment}`),
    Object.keys(counted).length ? reasons(counted, only, filter) : null,
    rows.length
      ? element(
          'table',
          { class: 'table' },
          element('thead', {}, element('tr', {}, ...['Who', 'Submitted', 'Score', 'State', 'Why', ''].map(
            title => element('th', { scope: 'col' }, title)))),
          element('tbody', {}, ...rows.map(one => row(one, act, busy, formgrader))),
        )
      : element('p', { class: 'text-body-secondary' }, 'Nobody has submitted yet.'),
  );
}

function causes(one) {
  return one.failed ? ['not graded'] : [...new Set(one.faults.map(fault => fault.cause))];
}

function reasons(counted, only, filter) {
  const one = (cause, label) => {
    const made = button(label, `cause-${cause}`, () => filter(cause === only ? '' : cause),
      cause === only ? 'primary' : 'outline-contrast');
    made.setAttribute('aria-pressed', cause === only);
    return made;
  };
  const labels = Object.entries(counted).map(([cause, count]) => one(cause, `${CAUSES[cause] ?? cause}: ${count}`));
  return element('div', { class: 'buttons mb-3', role: 'group', 'aria-label': 'What went wrong' },
    element('span', {}, 'What went wrong:'), ...labels);
}

function row(one, act, busy, formgrader) {
  const late = one.late_seconds ? element('span', { class: 'badge text-bg-warning ms-1' },
    `${duration(one.late_seconds)} late`) : null;
  const score = one.score === null ? '' : `${round(one.score)} / ${round(one.max_score)}`;
  return element(
    'tr',
    {},
    element('th', { scope: 'row', class: 'text-break' }, one.user),
    element('td', { 'data-label': 'Submitted' }, when(one.received), late),
    element('td', { class: 'number', 'data-label': 'Score' }, score),
    element('td', {}, ...state(one)),
    element('td', {}, ...why(one)),
    element('td', {}, element('div', { class: 'buttons' },
      button(one.score === null ? 'Grade' : 'Regrade', `grade-${one.user}`,
        () => act(one.score === null ? 'grade' : 'again', one.user), 'outline-contrast', busy),
      one.score === null ? null : button('Release feedback', `feedback-${one.user}`,
        () => act('feedback', one.user), 'outline-contrast', busy),
      one.manual ? element('a', { class: 'btn btn-sm btn-outline-contrast', href: formgrader }, 'Grade by hand') : null)),
  );
}

function state(one) {
  const badge = (kind, text) => element('span', { class: `badge text-bg-${kind} me-1` }, text);
  if (one.state === 'failed') {
    return [badge('danger', 'not graded')];
  }
  if (one.state === 'waiting') {
    return [badge('secondary', 'waits')];
  }
  const said = [badge('success', 'graded')];
  if (one.manual) {
    said.push(badge('info', 'partly by hand'));
  }
  said.push(one.feedback && one.grade_released ? badge('light', 'released') : badge('secondary', 'not released'));
  return said;
}

function why(one) {
  if (one.failed) {
    return [`${one.failed.message} ${one.failed.remedy}`];
  }
  return one.faults.map((fault, number) => {
    const where = [fault.notebook, fault.cell].filter(Boolean).join(', ');
    const said = `${fault.sentence}${where ? ` (${where})` : ''}`;
    return fault.log
      ? element('details', { 'data-key': `log-${one.user}-${number}` }, element('summary', {}, said), element('pre', {}, fault.log))
      : element('div', {}, said);
  });
}

function round(number) {
  return Number(number.toFixed(2)).toString();
}
