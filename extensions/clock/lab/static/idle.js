// The announcement that an idle session is about to end, and what its person can do about it.
import { idleWarning } from './words.js';

const GONE = 424; // the status of JupyterHub's page for a server that does not run; one that is being stopped has 200
const LOOK = 500; // milliseconds between two looks whether the session is gone
const PATIENCE = 60; // looks

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

export class IdleNotice {
  shown = ''; // the notification's id

  // `post` asks the session's own server, `base` is its address, and `spawn` that of the hub's page that starts it.
  constructor({ Notification, post, saver, base, spawn }) {
    Object.assign(this, { Notification, post, saver, base, spawn });
  }

  // `idle` as the session tells it: null while there is nothing to say.
  show(idle) {
    if (!idle) {
      this.Notification.dismiss(this.shown);
      this.shown = '';
    } else if (!this.shown) {
      const actions = this.actions(idle);
      this.shown = this.Notification.warning(idleWarning(idle), { autoClose: false, actions });
    }
  }

  actions({ keeps_left, smaller }) {
    const found = [];
    if (keeps_left > 0) found.push({ label: 'Keep it', caption: 'I need it; it counts as use', callback: () => void this.keep() });
    if (smaller) {
      found.push({
        label: `Go on: ${smaller.title}`,
        caption: 'Save everything, stop this session, and start a smaller one with the same documents',
        callback: () => void this.stop(smaller.options),
      });
    }
    found.push({ label: 'Save and stop', caption: 'Save everything and stop this session', callback: () => void this.stop({}) });
    return found;
  }

  async keep() {
    this.shown = '';
    try {
      this.show((await this.post('keep')).idle);
    } catch (error) {
      this.Notification.error(error.message, { autoClose: false });
    }
  }

  // Ends the session, and goes to the page that starts the next: at once, where there are options to start it with.
  async stop(options) {
    if (!(await this.saver.saveAll())) {
      this.Notification.error('A document could not be saved, so the session was not stopped.', { autoClose: false });
      return;
    }
    const said = this.Notification.emit('Everything is saved. The session is being stopped.', 'in-progress', { autoClose: false });
    try {
      await this.post('stop');
      for (let looks = 0; looks < PATIENCE && !(await this.gone()); looks++) await sleep(LOOK);
      const query = Object.entries(options).map(([key, value]) => [`opt-${key}`, value]);
      location.assign(`${this.spawn}?${new URLSearchParams([...query, ['next', location.pathname]])}`);
    } catch (error) {
      this.Notification.dismiss(said);
      this.Notification.error(error.message, { autoClose: false });
    }
  }

  async gone() {
    try {
      return (await fetch(this.base, { headers: { Accept: 'text/html' } })).status === GONE;
    } catch {
      return false; // between the session and the hub
    }
  }
}
