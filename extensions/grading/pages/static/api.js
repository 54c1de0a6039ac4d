// The page's own API (extension.py). What is refused is an Error with a sentence.

const base = `${document.body.dataset.base}campus/grading/api/`;

async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(base + path, {
      method,
      headers: { 'Content-Type': 'application/json', 'X-XSRFToken': document.body.dataset.xsrf },
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Error('The session does not answer. It may have ended: reload the page.');
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 403) {
    throw new Error('You are signed out, or this course is not yours. Reload the page.');
  }
  if (!answer.ok) {
    throw new Error(`${said.message ?? 'That failed.'} ${said.remedy ?? 'Reload the page, and try again.'}`);
  }
  return said;
}

export const run = () => ask('GET', 'run');
export const order = wish => ask('POST', 'run', wish);
export const stop = () => ask('DELETE', 'run');
export const assignments = () => ask('GET', 'assignments');
export const submissions = assignment => ask('GET', `assignments/${encodeURIComponent(assignment)}`);
