// The grading page: asks how far the run is, and shows the course as the exchange has it.

import * as api from './api.js';
import { button, element, replace, when } from './dom.js';
import * as run from './run.js';
import * as submissions from './submissions.js';

const RUNNING = 1000; // milliseconds between two looks
const RESTING = 5000;
const base = document.body.dataset.base;
const at = id => document.getElementById(id);
const seen = { busy: false, last: null, assignments: [], chosen: location.hash.slice(1), found: [], only: '', where: 'here' };

function problem(error) {
  replace(at('problem'), ...(error ? [element('div', { class: 'alert alert-danger' }, error.message)] : []));
}

async function act(what, assignment, student = '*') {
  problem(null);
  try {
    await api.order({ assignment, what, student, where: seen.where });
    seen.chosen = assignment;
  } catch (error) {
    problem(error);
  }
  await look();
}

function sure(what, assignment) {
  return () => confirm(`Grade all submissions of ${assignment} again? Grades by tests are made anew; yours stay.`)
    && act(what, assignment);
}

function card(one) {
  const waiting = one.submissions - one.graded;
  const facts = [['Handed in by', one.submitters], ['Due', when(one.due) || 'never'],
    ['Graded', one.grade_on_submit ? 'as soon as it is handed in' : 'on demand']];
  const idle = seen.busy || !one.submissions;
  return element(
    'div',
    { class: 'card', 'aria-current': one.name === seen.chosen ? 'true' : false },
    element('div', { class: 'card-body' },
      element('h3', { class: 'h5 card-title' },
        element('a', { href: `#${one.name}`, 'data-key': `open-${one.name}`, class: 'text-reset' }, one.title)),
      element('p', { class: 'card-subtitle text-body-secondary' },
        one.released ? (waiting ? `${one.name}, not all are graded` : one.name) : `${one.name}, not released yet`),
      element('dl', { class: 'facts' }, ...facts.map(([name, value]) =>
        element('div', {}, element('dt', {}, name), element('dd', {}, String(value))))),
      element('div', { class: 'buttons' },
        button('Collect and grade', `grade-${one.name}`, () => act('grade', one.name), 'primary', idle),
        button('Release feedback', `feedback-${one.name}`, () => act('feedback', one.name), 'outline-contrast', idle),
        button('Regrade all', `again-${one.name}`, sure('again', one.name), 'outline-contrast', idle),
        element('a', { class: 'btn btn-sm btn-outline-contrast', href: `${base}formgrader/gradebook/${one.name}` },
          'Grade by hand'))),
  );
}

function whereToGrade() {
  if (!document.body.dataset.cluster) {
    return null;
  }
  const made = element('select', { id: 'where', class: 'form-select form-select-sm w-auto', 'data-key': 'where' },
    element('option', { value: 'here' }, 'in this session'),
    element('option', { value: 'cluster' }, 'on the cluster, many at once'));
  made.value = seen.where;
  made.addEventListener('change', () => { seen.where = made.value; });
  return element('div', { class: 'buttons mb-3' }, element('label', { for: 'where' }, 'Grade'), made);
}

function showAssignments() {
  replace(at('assignments'), whereToGrade(), seen.assignments.length
    ? element('div', { class: 'cards' }, ...seen.assignments.map(card))
    : element('p', { class: 'text-body-secondary' }, 'The course has no assignments yet: publish it.'));
}

function showSubmissions() {
  if (seen.assignments.some(one => one.name === seen.chosen)) {
    submissions.show(at('submissions'), seen.chosen, seen.found, {
      only: seen.only,
      filter: cause => { seen.only = cause; showSubmissions(); },
      act: (what, student) => act(what, seen.chosen, student),
      busy: seen.busy,
      formgrader: `${base}formgrader/gradebook/${seen.chosen}`,
    });
  } else {
    at('submissions').hidden = true;
  }
}

async function refresh() {
  seen.assignments = await api.assignments();
  if (!seen.chosen && seen.assignments.length) {
    seen.chosen = (seen.assignments.find(one => one.submissions) ?? seen.assignments[0]).name;
  }
  seen.found = seen.assignments.some(one => one.name === seen.chosen) ? await api.submissions(seen.chosen) : [];
  showAssignments();
  showSubmissions();
}

async function look() {
  const now = await api.run();
  const turned = now.busy !== seen.busy;
  const changed = turned || (now.run?.last ?? null) !== seen.last;
  seen.busy = now.busy;
  seen.last = now.run?.last ?? null;
  run.show(at('run'), now, () => api.stop().catch(problem));
  if (turned && asked) { // what may be pressed is another now
    showAssignments();
    showSubmissions();
  }
  return changed;
}

let soon;
let asked = 0;

async function keepLooking() {
  clearTimeout(soon);
  try {
    const changed = document.hidden ? false : await look();
    // The exchange is asked when something happened, and now and then for what came in.
    const pause = !changed ? 6 * RESTING : seen.busy ? 3 * RUNNING : 0;
    if (!document.hidden && Date.now() - asked > pause) {
      asked = Date.now();
      await refresh();
    }
    if (at('problem').dataset.lost) {
      delete at('problem').dataset.lost;
      problem(null);
    }
  } catch (error) {
    at('problem').dataset.lost = 'yes';
    problem(error);
  }
  soon = setTimeout(keepLooking, seen.busy ? RUNNING : RESTING);
}

addEventListener('hashchange', () => {
  seen.chosen = location.hash.slice(1);
  seen.only = '';
  refresh().then(() => at('submissions').scrollIntoView()).catch(problem);
});
document.addEventListener('visibilitychange', keepLooking);
keepLooking();
