// Submit: what is submitted and until when, then the receipt.
import { element, list } from './dom.js';
import { time } from './words.js';

const note = (...parts) => element('p', { class: 'campus-note' }, ...parts);

export class Submitting {
  running = false;

  constructor({ Dialog, Notification, Widget, ask, base }) {
    Object.assign(this, { Dialog, Notification, Widget, ask, base });
  }

  // `named` is the assignment, `folder` saves its documents. Resolves to whether something was submitted.
  async submit(named, folder) {
    if (this.running) return false;
    this.running = true;
    try {
      await folder.save();
      const found = await this.ask('preview', named);
      if (!(await this.confirmed(found))) return false;
      const receipt = await this.send({ ...named, key: found.key });
      if (receipt) await this.showReceipt(found, receipt);
      return Boolean(receipt);
    } catch (error) {
      this.Notification.error(`${error.message} Nothing was submitted.`, { autoClose: false });
      return false;
    } finally {
      this.running = false;
    }
  }

  async confirmed(found) {
    const { Dialog } = this;
    const may = !found.refusal && found.files.length > 0;
    const buttons = [Dialog.cancelButton({ label: may ? 'Cancel' : 'Close' })];
    if (may) buttons.push(Dialog.okButton({ label: 'Submit' }));
    const body = this.body(
      found.refusal && note(element('strong', {}, found.refusal.message), ` ${found.refusal.remedy}`),
      list(found.facts.map(fact => [fact.name, fact.name === 'Due' && fact.time ? `${time(fact.time)}, ${fact.text}` : fact.text + (fact.time && time(fact.time))])),
      found.missing.length && note(element('strong', {}, `Not there: ${found.missing.join(', ')}.`), ' Without it you get no points for what is in it.'),
      found.left_out.length && note(element('strong', {}, `Too large, and left out: ${found.left_out.join(', ')}.`)),
      !found.refusal &&
        element(
          'details',
          {},
          element('summary', {}, found.files.length === 1 ? '1 file is submitted' : `${found.files.length} files are submitted`),
          element('ul', { class: 'campus-files' }, found.files.map(({ path, size }) => element('li', {}, path, element('span', { class: 'campus-quiet' }, size)))),
        ),
    );
    const result = await new Dialog({ title: `Submit: ${found.title}`, body, buttons, defaultButton: buttons.length - 1 }).launch();
    return result.button.accept;
  }

  // The receipt, null where it was given up. Whatever is sent again under one key is submitted once.
  async send(named) {
    for (;;) {
      const said = this.Notification.emit('Submitting…', 'in-progress', { autoClose: false });
      try {
        return await this.ask('submit', named, 'POST');
      } catch (error) {
        if (error.refused || !(await this.again(error))) {
          if (error.refused) throw error;
          return null;
        }
      } finally {
        this.Notification.dismiss(said);
      }
    }
  }

  async again(error) {
    const { Dialog } = this;
    const body = `${error.message} It may have arrived or not; to try again submits it once.`;
    const buttons = [Dialog.cancelButton(), Dialog.okButton({ label: 'Try again' })];
    return (await new Dialog({ title: 'No answer', body, buttons }).launch()).button.accept;
  }

  async showReceipt(found, receipt) {
    const { Dialog } = this;
    const address = new URL(`campus/receipt?submission=${encodeURIComponent(receipt.id)}`, this.base).href;
    const rows = [
      ['Received', time(receipt.received, true)],
      ['Attempt', String(receipt.attempt)],
      ['SHA-256', element('code', { class: 'campus-hash' }, receipt.sha256)],
    ];
    if (receipt.late_seconds) rows.splice(1, 0, ['Late', 'yes']);
    const body = this.body(
      list(rows),
      element('p', {}, 'It is in. ', element('a', { href: address, target: '_blank', rel: 'noopener' }, 'The receipt'), ' is your proof.'),
    );
    await new Dialog({ title: `Submitted: ${found.title}`, body, buttons: [Dialog.okButton({ label: 'Close' })] }).launch();
  }

  body(...children) {
    return new this.Widget({ node: element('div', { class: 'campus-Submit' }, ...children.filter(Boolean)) });
  }
}
