// What people read.

const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;
const points = number => count(Math.round(number * 100) / 100, 'point');

// The parts of a notebook's path that name its assignment, null where it can be in none.
export function assignmentOf(path) {
  const found = /^([a-z][a-z0-9-]{0,29})\/([a-z][a-z0-9-]{0,29})\/.+\.ipynb$/.exec(path);
  return found && { course: found[1], assignment: found[2] };
}

// "Sun, 29 Nov, 13:00" in the reader's zone; `at` as the exchange writes times.
export function time(at, seconds = false) {
  const date = new Date(at);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' };
  return date.toLocaleString([], {
    ...{ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
    ...year,
    ...(seconds ? { second: '2-digit' } : {}),
  });
}

// How far somebody is with an assignment, for the toolbar; `feedback` says that it can be opened.
export function standing({ state, score, max_score, my_due, late, attempts_used }) {
  if (score !== null) {
    const text = `${Math.round(score * 100) / 100} of ${points(max_score)}`;
    return { text, feedback: state === 'feedback' };
  }
  if (state === 'feedback') return { text: 'Graded', feedback: true };
  if (attempts_used) return { text: attempts_used > 1 ? `Submitted ${attempts_used} times` : 'Submitted' };
  if (!my_due) return { text: '' };
  return { text: late ? `Was due ${time(my_due)}` : `Due ${time(my_due)}` };
}

const STATES = {
  passed: ['✓', 'passed'],
  failed: ['✗', 'failed'],
  unanswered: ['✗', 'not answered yet'],
  changed: ['✗', 'changed'],
  person: ['–', 'graded by a person'],
};

// A cell's mark, and what it is in words.
export const state = name => STATES[name];

const EXPLAINED = {
  unanswered: 'It is as it was given.',
  changed: 'It is not as it was given. Grading puts the original back.',
};

// Why a cell did not pass.
export const why = cell => cell.message || EXPLAINED[cell.state] || '';

export const worth = cell => (cell.points ? points(cell.points) : '');

// The heading over what a check found.
export function verdict(cells) {
  const tests = cells.filter(cell => cell.state !== 'person');
  if (!tests.length) return 'There are no tests in this notebook';
  const passed = tests.filter(cell => cell.state === 'passed').length;
  if (passed < tests.length) return `${passed} of ${count(tests.length, 'test')} passed`;
  return tests.length === 1 ? 'The test passed' : `All ${tests.length} tests passed`;
}
