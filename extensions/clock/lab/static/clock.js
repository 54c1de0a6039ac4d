// The plugin: a status bar item that counts down by itself, and the warnings. What the server says is shown as text.
import { MemoryWatch, TimeWatch } from './watches.js';
import { details, item, long, memoryWarning, secondsLeft } from './words.js';

const ASK = 30_000; // milliseconds between questions to the server, while somebody can see the page
const TICK = 1_000; // milliseconds between looks at the clock

export function plugin({ IStatusBar, Notification, ServerConnection, Widget }) {
  function activate(app, statusBar) {
    const settings = app.serviceManager.serverSettings;
    const url = new URL('campus/session', new URL(settings.baseUrl, location.href)).href;
    const time = new TimeWatch(sessionStorage);
    const memory = new MemoryWatch();
    const button = document.createElement('button');
    let session = null; // the last answer
    let at = 0; // when it came, by this browser's clock
    let asking = false;
    let shown = '';

    function show() {
      const left = secondsLeft(session, at);
      const { text, state } = item(session, left);
      const sentence = details(session, left);
      if (button.textContent !== text) button.textContent = text;
      if (button.title !== sentence) {
        button.title = sentence;
        button.setAttribute('aria-label', sentence);
      }
      button.dataset.state = state;
      const due = time.due(session.job, left);
      if (due) warnOfTheEnd(left);
    }

    function warnOfTheEnd(left) {
      const save = {
        label: 'Save all',
        caption: 'Save every open document',
        // What cannot be saved is said by JupyterLab itself.
        callback: () => void app.commands.execute('docmanager:save-all').catch(() => {}),
      };
      const more = {
        label: 'More time',
        caption: 'Let this session run 30 minutes longer',
        callback: () => void longer(),
      };
      Notification.warning(
        `This session ends in ${long(left)}. Save your work: variables, and what is not saved, are lost.`,
        { autoClose: false, actions: [more, save] },
      );
    }

    async function longer() {
      try {
        const response = await ServerConnection.makeRequest(`${url}/longer`, { method: 'POST' }, settings);
        const answer = await response.json();
        if (!response.ok) {
          Notification.error([answer.message, answer.remedy].filter(Boolean).join(' '), { autoClose: false });
          return;
        }
        await ask();
        tell();
      } catch {
        Notification.error('The session could not be given more time now. Save your work.', { autoClose: false });
      }
    }

    function tell() {
      Notification.dismiss(shown);
      shown = Notification.info(details(session, secondsLeft(session, at)), { autoClose: 15_000 });
    }

    function first() {
      const link = document.createElement('link');
      link.rel = 'stylesheet';
      link.href = new URL('clock.css', import.meta.url).href;
      document.head.append(link);
      button.type = 'button';
      button.className = 'campus-Clock';
      button.addEventListener('click', tell);
      const node = document.createElement('div');
      node.append(button);
      statusBar?.registerStatusItem('campus-clock', {
        item: new Widget({ node }),
        align: 'right',
        rank: 100, // leftmost of the right side
        priority: 1, // also in a narrow window
      });
      setInterval(show, TICK);
    }

    async function ask() {
      // A page that nobody sees asks nothing: it must not keep an idle session alive. It goes on counting.
      if (document.hidden || asking) return;
      asking = true;
      try {
        const response = await ServerConnection.makeRequest(url, {}, settings);
        const answer = response.ok ? await response.json() : null;
        if (answer?.job) {
          const isFirst = session === null;
          session = answer;
          at = Date.now();
          if (isFirst) first();
          show();
          if (memory.due(session.memory)) Notification.warning(memoryWarning(session.memory), { autoClose: 30_000 });
        } else if (answer || response.status === 404) {
          clearInterval(timer); // no job of Slurm's, or no server extension
        }
      } catch {
        // The server cannot be reached; JupyterLab says so, and the clock counts on.
      } finally {
        asking = false;
      }
    }

    const timer = setInterval(ask, ASK);
    document.addEventListener('visibilitychange', ask);
    void app.restored.then(ask);
  }

  return {
    id: 'campus-clock:plugin',
    description: 'Shows how much time, memory and GPU this session has left, and warns before its end.',
    autoStart: true,
    optional: [IStatusBar],
    activate,
  };
}
