// Check: runs the visible tests, and shows what came of each.
import { element } from './dom.js';
import { state, verdict, why, worth } from './words.js';

export class Checking {
  running = false;

  constructor({ Dialog, Notification, Widget, ask }) {
    Object.assign(this, { Dialog, Notification, Widget, ask });
  }

  async check(panel) {
    if (this.running) return;
    this.running = true;
    const off = new AbortController();
    const actions = [{ label: 'Cancel', caption: 'Stop the check', callback: () => off.abort() }];
    const said = this.Notification.emit('Running the tests in a fresh kernel…', 'in-progress', { autoClose: false, actions });
    try {
      const { cells } = await this.ask('check', { path: panel.context.path }, 'POST', off.signal);
      this.Notification.dismiss(said);
      await this.show(panel, cells);
    } catch (error) {
      this.Notification.dismiss(said);
      if (!off.signal.aborted) this.Notification.error(error.message, { autoClose: false });
    } finally {
      this.running = false;
    }
  }

  async show(panel, cells) {
    const close = cell => {
      dialog.resolve();
      void this.goTo(panel, cell);
    };
    const rows = cells.map(cell => this.row(cell, () => close(cell)));
    const body = new this.Widget({
      node: element(
        'div',
        { class: 'campus-Check' },
        rows.length ? element('ul', {}, rows) : null,
        element('p', { class: 'campus-quiet' }, 'Grading may run more tests than these, which you do not see.'),
      ),
    });
    const { Dialog } = this;
    const dialog = new Dialog({ title: verdict(cells), body, buttons: [Dialog.okButton({ label: 'Close' })] });
    await dialog.launch();
  }

  row(cell, go) {
    const [mark, word] = state(cell.state);
    return element(
      'li',
      { 'data-state': cell.state },
      element('span', { class: 'campus-mark', 'aria-hidden': 'true' }, mark),
      element(
        'div',
        {},
        element('button', { type: 'button', class: 'campus-link', title: 'Go to this cell', on: go }, cell.name),
        ` ${word}`,
        worth(cell) && element('span', { class: 'campus-quiet' }, ` (${worth(cell)})`),
        why(cell) && element('p', {}, why(cell)),
        cell.details &&
          element('details', {}, element('summary', {}, 'What it printed'), element('pre', { tabindex: '0' }, cell.details)),
      ),
    );
  }

  async goTo(panel, { index }) {
    const { content } = panel;
    content.activeCellIndex = index;
    await content.scrollToItem(index, 'center');
    content.activate();
  }
}
