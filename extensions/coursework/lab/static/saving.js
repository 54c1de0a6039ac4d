// Saves what is open and unsaved in a folder: what is submitted, and checked, is what was saved.

export class Folder {
  constructor(shell, documents, folder) {
    Object.assign(this, { shell, documents, folder });
  }

  // The contexts of its documents that have unsaved changes; several tabs may show one document.
  unsaved() {
    const contexts = [...this.shell.widgets('main')].map(widget => this.documents.contextForWidget(widget));
    return [...new Set(contexts)].filter(
      context => context?.model.dirty && !context.model.readOnly && context.path.startsWith(`${this.folder}/`),
    );
  }

  paths() {
    return this.unsaved().map(context => context.path.slice(this.folder.length + 1));
  }

  // Throws an Error with a sentence where something could not be saved.
  async save() {
    // What cannot be saved is said by JupyterLab itself, too.
    await Promise.allSettled(this.unsaved().map(context => context.save()));
    const left = this.paths();
    if (left.length) throw new Error(`${left.join(', ')} could not be saved.`);
  }
}
