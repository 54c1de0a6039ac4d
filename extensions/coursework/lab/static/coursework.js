// The plugin: buttons in notebooks that belong to an assignment. What the server says is shown as text.
import { Checking } from './checking.js';
import { element } from './dom.js';
import { Folder } from './saving.js';
import { Submitting } from './submitting.js';
import { assignmentOf, standing } from './words.js';

const CHECK = 'campus-coursework:check';
const SUBMIT = 'campus-coursework:submit';
const FEEDBACK = 'campus-coursework:feedback';
const LOOK = 20_000; // milliseconds between looks whether a grade has come
const LOOKS = 30;

export function plugin(libraries) {
  const { CommandToolbarButton, Dialog, ICommandPalette, IDocumentManager, INotebookTracker, Notification, ServerConnection, Widget } =
    libraries;

  function activate(app, tracker, documents, palette) {
    const settings = app.serviceManager.serverSettings;
    const base = new URL(settings.baseUrl, location.href);
    const works = new Map(); // panel -> Work, for the notebooks of assignments
    const checking = new Checking({ Dialog, Notification, Widget, ask });
    const submitting = new Submitting({ Dialog, Notification, Widget, ask, base });

    // Asks the session's own server; throws an Error with a sentence, `refused` where it was an answer.
    async function ask(what, named, method = 'GET', signal) {
      const url = new URL(`campus/coursework/${what}`, base);
      url.search = new URLSearchParams(named);
      let response;
      try {
        response = await ServerConnection.makeRequest(url.href, { method, signal }, settings);
      } catch {
        throw new Error('The session does not answer.');
      }
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      const error = new Error([answer.message ?? 'The session does not answer.', answer.remedy].filter(Boolean).join(' '));
      error.refused = Boolean(answer.message) && response.status < 500;
      throw error;
    }

    // The notebook whose toolbar was pressed, else the current one; undefined where that is of no assignment.
    const workOf = ({ panel }) => [...works.values()].find(work => work.panel === (panel ? byId(panel) : tracker.currentWidget));
    const byId = id => tracker.find(panel => panel.id === id);
    const folderOf = ({ course, assignment }) => new Folder(app.shell, documents, `${course}/${assignment}`);

    async function check({ panel }) {
      try {
        await panel.context.save();
      } catch {
        return; // JupyterLab says why
      }
      await checking.check(panel);
    }

    async function submit(work) {
      if (await submitting.submit(work.named, folderOf(work.named))) await work.look();
    }

    async function openFeedback({ named }) {
      try {
        const { page } = await ask('feedback', named, 'POST');
        await app.commands.execute('docmanager:open', { path: page });
      } catch (error) {
        Notification.error(error.message, { autoClose: false });
      }
    }

    const commands = [
      [CHECK, 'Check', 'Save, and run the tests of this notebook that you can see', check],
      [SUBMIT, 'Submit', 'Save, and submit this assignment', submit],
      [FEEDBACK, 'Feedback', 'Open the feedback on this assignment', openFeedback],
    ];
    for (const [id, label, caption, act] of commands) {
      const isEnabled = args => Boolean(id === FEEDBACK ? workOf(args)?.hasFeedback : workOf(args));
      app.commands.addCommand(id, { label, caption, execute: args => act(workOf(args)), isEnabled });
      palette?.addItem({ command: id, category: 'Course' });
    }

    // One notebook of an assignment: its buttons, and the line that says how far it is.
    class Work {
      items = [];
      hasFeedback = false;
      looking = 0;

      constructor(panel, named) {
        this.panel = panel;
        this.named = named;
        this.line = element('span', { class: 'campus-Standing', role: 'status' });
        this.put(CHECK, this.button(CHECK));
        this.put(SUBMIT, this.button(SUBMIT));
        this.put('campus-coursework:standing', new Widget({ node: this.line }));
      }

      button(id) {
        return new CommandToolbarButton({ commands: app.commands, id, args: { panel: this.panel.id } });
      }

      // At the end of what stands on the toolbar's left.
      put(name, widget) {
        const { toolbar } = this.panel;
        const names = [...toolbar.names()];
        const spacer = names.indexOf('spacer');
        toolbar.insertItem(spacer < 0 ? names.length : spacer, name, widget);
        this.items.push(widget);
      }

      show(assignment) {
        const { text, feedback } = standing(assignment);
        this.line.textContent = text;
        if (feedback && !this.hasFeedback) this.put(FEEDBACK, this.button(FEEDBACK));
        this.hasFeedback ||= Boolean(feedback);
        app.commands.notifyCommandChanged(FEEDBACK);
      }

      // Ask how far it is; again, so many times, while a grade may come by itself.
      async look(times = LOOKS) {
        const { assignment } = await ask('standing', this.named).catch(() => ({ assignment: null }));
        if (!this.panel.isDisposed) this.follow(assignment, times);
      }

      follow(assignment, times = LOOKS) {
        clearTimeout(this.looking);
        if (assignment) this.show(assignment);
        if (times && (!assignment || (assignment.grade_on_submit && assignment.state === 'submitted'))) {
          this.looking = setTimeout(() => void this.look(times - 1), LOOK);
        }
      }

      dispose() {
        clearTimeout(this.looking);
        for (const item of this.items) item.dispose();
      }
    }

    async function attach(panel) {
      await panel.context.ready;
      if (panel.isDisposed) return;
      works.get(panel)?.dispose();
      works.delete(panel);
      const cells = panel.content.model?.cells ?? [];
      const marked = [...cells].some(cell => cell.getMetadata('nbgrader'));
      panel.toggleClass('campus-mod-marked', marked);
      panel.removeClass('campus-mod-assignment');
      const named = assignmentOf(panel.context.path);
      if (named) {
        const { assignment, known } = await ask('standing', named).catch(() => ({ assignment: null, known: false }));
        if (!panel.isDisposed && !works.has(panel) && (assignment || (!known && marked))) {
          const work = new Work(panel, named);
          works.set(panel, work);
          panel.addClass('campus-mod-assignment');
          work.follow(assignment);
        }
      }
      for (const [id] of commands) app.commands.notifyCommandChanged(id);
    }

    function follow(panel) {
      void attach(panel);
      panel.context.pathChanged.connect(() => void attach(panel));
      panel.disposed.connect(() => {
        works.get(panel)?.dispose();
        works.delete(panel);
      });
    }

    const link = element('link', { rel: 'stylesheet', href: new URL('coursework.css', import.meta.url).href });
    document.head.append(link);
    tracker.forEach(follow);
    tracker.widgetAdded.connect((_, panel) => follow(panel));
    tracker.currentChanged.connect(() => {
      for (const [id] of commands) app.commands.notifyCommandChanged(id);
    });

    // The page that submits, in another tab of this browser, asks what is not saved here.
    const tab = String(Math.random());
    const pages = new BroadcastChannel('campus-coursework');
    pages.addEventListener('message', ({ data }) => void answer(data ?? {}));
    async function answer({ ask: asked, save }) {
      const name = asked ?? save;
      if (typeof name !== 'string') return;
      const folder = new Folder(app.shell, documents, name);
      if (save) await folder.save().catch(() => {}); // what is left is told
      pages.postMessage({ tab, folder: name, unsaved: folder.paths() });
    }
  }

  return {
    id: 'campus-coursework:plugin',
    description: 'Checks and submits the notebooks of a course, and shows how far they are.',
    autoStart: true,
    requires: [INotebookTracker, IDocumentManager],
    optional: [ICommandPalette],
    activate,
  };
}
