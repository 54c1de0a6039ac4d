// The plugin: a status bar item that counts down by itself, and the warnings. What the server says is shown as text.
import { IdleNotice } from './idle.js';
import { Saver } from './saving.js';
import { MemoryWatch, TimeWatch } from './watches.js';
import { details, item, long, memoryWarning, secondsLeft } from './words.js';

const ASK = 30_000; // milliseconds between questions to the server
const TICK = 1_000; // milliseconds between looks at the clock
// Seconds before the end from which on changes are saved, and between two times. A page in the background may look at
// the clock once in a minute only.
const SAVE_FROM = 120;
const SAVE_EVERY = 20;

export function plugin({ IDocumentManager, IStatusBar, Notification, PageConfig, ServerConnection, Widget }) {
  function activate(app, documents, statusBar) {
    const settings = app.serviceManager.serverSettings;
    const base = new URL(settings.baseUrl, location.href);
    const url = new URL('campus/session', base).href;
    const names = ['hubUser', 'hubServerName'].map(PageConfig.getOption).filter(Boolean).map(encodeURIComponent);
    const spawn = `${PageConfig.getOption('hubPrefix')}spawn/${names.join('/')}`;
    const time = new TimeWatch(sessionStorage);
    const memory = new MemoryWatch();
    const saver = new Saver(app.shell, documents);
    const idle = new IdleNotice({ Notification, post, saver, base, spawn });
    const button = document.createElement('button');
    let session = null; // the last answer
    let at = 0; // when it came, by this browser's clock
    let asking = false;
    let saved = 0; // when changes were saved because of the end
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
      saveBefore(Math.min(left ?? Infinity, (session.idle?.ends_in ?? Infinity) - (Date.now() - at) / 1000));
    }

    function saveBefore(left) {
      if (left > SAVE_FROM || Date.now() - saved < SAVE_EVERY * 1000) return;
      saved = Date.now();
      void saver.save();
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

    // Asks the session's own server for something; throws an Error with a sentence where it is refused.
    async function post(what) {
      const response = await ServerConnection.makeRequest(`${url}/${what}`, { method: 'POST' }, settings);
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      throw new Error([answer.message ?? 'The session does not answer.', answer.remedy].filter(Boolean).join(' '));
    }

    async function longer() {
      try {
        await post('longer');
        await ask();
        tell();
      } catch (error) {
        Notification.error(error.message, { autoClose: false });
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

    // Also for a page that nobody sees: its documents are to be saved in time. To ask is no use of the session.
    async function ask() {
      if (asking) return;
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
          idle.show(session.idle);
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
    description: 'Shows how much time, memory and GPU this session has left, warns before its end, and saves.',
    autoStart: true,
    requires: [IDocumentManager],
    optional: [IStatusBar],
    activate,
  };
}
