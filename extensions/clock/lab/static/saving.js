// Saves the open documents that have unsaved changes, and leaves the others alone.

export class Saver {
  saving = new Map(); // context -> its save, which may wait for an answer where the file was changed elsewhere

  constructor(shell, documents) {
    this.shell = shell;
    this.documents = documents;
  }

  // The contexts of what is unsaved, each once: several tabs may show one document.
  unsaved() {
    const contexts = [...this.shell.widgets('main')].map(widget => this.documents.contextForWidget(widget));
    return [...new Set(contexts)].filter(
      context => context?.model.dirty && !context.model.readOnly && context.contentsModel?.writable,
    );
  }

  // What is being saved already is left at that.
  async save() {
    const due = this.unsaved().filter(context => !this.saving.has(context));
    for (const context of due) this.saving.set(context, saved(context).finally(() => this.saving.delete(context)));
    await Promise.all(due.map(context => this.saving.get(context)));
  }

  // Before the session is stopped: resolves to whether nothing is left unsaved.
  async saveAll() {
    await Promise.all(this.saving.values());
    await this.save();
    return this.unsaved().length === 0;
  }
}

// Saves one document. What cannot be saved is said by JupyterLab itself, and stays unsaved.
async function saved(context) {
  const { model } = context;
  let changed = false;
  const note = () => (changed = true);
  model.contentChanged.connect(note);
  try {
    await context.save();
  } catch {
    // See above.
  } finally {
    model.contentChanged.disconnect(note);
    // What is typed during a save would count as saved with it.
    if (changed && !model.isDisposed) model.dirty = true;
  }
}
