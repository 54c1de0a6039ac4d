// Saves the open documents that have unsaved changes, and leaves the others alone.

// Their contexts, each once: several tabs may show one document.
function changed(shell, documents) {
  const contexts = [...shell.widgets('main')].map(widget => documents.contextForWidget(widget));
  return [...new Set(contexts)].filter(
    context => context?.model.dirty && !context.model.readOnly && context.contentsModel?.writable,
  );
}

export class Saver {
  saving = new Set(); // a save may wait for an answer: the file was changed elsewhere

  constructor(shell, documents) {
    this.shell = shell;
    this.documents = documents;
  }

  // Resolves to whether nothing is left unsaved; what cannot be saved is said by JupyterLab itself.
  async save() {
    const due = changed(this.shell, this.documents).filter(context => !this.saving.has(context));
    await Promise.all(
      due.map(async context => {
        this.saving.add(context);
        try {
          await context.save();
        } catch {
          // It stays unsaved, as is seen below.
        } finally {
          this.saving.delete(context);
        }
      }),
    );
    return changed(this.shell, this.documents).length === 0;
  }
}
