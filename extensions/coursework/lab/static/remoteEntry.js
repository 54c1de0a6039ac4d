// The container in which JupyterLab looks for an extension (webpack's module federation), by hand: there is no build.
(() => {
  const here = document.currentScript.src;
  const LIBRARIES = [
    ...['@jupyterlab/apputils', '@jupyterlab/coreutils', '@jupyterlab/docmanager', '@jupyterlab/notebook'],
    ...['@jupyterlab/services', '@jupyterlab/ui-components', '@lumino/widgets'],
  ];
  let scope;

  // One of JupyterLab's own libraries, as its other extensions share it.
  async function shared(name) {
    const versions = scope[name];
    return (await versions[Object.keys(versions).sort().pop()].get())();
  }

  const modules = {
    './extension': async () => {
      const parts = [import(new URL('coursework.js', here)), ...LIBRARIES.map(shared)];
      const [{ plugin }, ...libraries] = await Promise.all(parts);
      return () => ({ __esModule: true, default: plugin(Object.assign({}, ...libraries)) });
    },
  };

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB['campus-coursework'] = {
    init: async libraries => {
      scope = libraries;
    },
    get: name => modules[name](),
  };
})();
