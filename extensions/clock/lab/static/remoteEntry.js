// The container in which JupyterLab looks for an extension (webpack's module federation), by hand: there is no build.
(() => {
  const here = document.currentScript.src;
  let scope;

  // One of JupyterLab's own libraries, as its other extensions share it.
  async function shared(name) {
    const versions = scope[name];
    return (await versions[Object.keys(versions).sort().pop()].get())();
  }

  const modules = {
    './extension': async () => {
      const [{ plugin }, statusbar, apputils, widgets, services] = await Promise.all([
        import(new URL('clock.js', here)),
        ...['@jupyterlab/statusbar', '@jupyterlab/apputils', '@lumino/widgets', '@jupyterlab/services'].map(shared),
      ]);
      const lab = { ...statusbar, ...apputils, ...widgets, ...services };
      return () => ({ __esModule: true, default: plugin(lab) });
    },
  };

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB['campus-clock'] = {
    init: async libraries => {
      scope = libraries;
    },
    get: name => modules[name](),
  };
})();
