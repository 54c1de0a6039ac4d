// Says on each card what is true now for this person, and keeps it fresh.
(() => {
  const fieldset = document.currentScript.parentElement.querySelector(".campus-sizes");
  const PERIOD = 10000; // milliseconds

  function show(size) {
    const line = fieldset.querySelector(`.campus-now[data-size="${CSS.escape(size.name)}"]`);
    if (!line) return;
    const room = size.refused || !size.fits_now ? "" : ` · room for ${size.fits_now}`;
    const text = size.sentence + room;
    if (line.textContent !== text) line.textContent = text; // a screen reader hears changes only
    line.dataset.state = size.refused ? "refused" : size.starts_in === 0 ? "now" : "later";
  }

  async function refresh() {
    if (!document.hidden) {
      try {
        const answer = await fetch(fieldset.dataset.url, { headers: { "X-XSRFToken": window.jhdata.xsrf_token } });
        if (answer.ok) (await answer.json()).sizes.forEach(show);
      } catch (error) {
        // The hub is away for a moment; the cards keep what they said.
      }
    }
    setTimeout(refresh, PERIOD);
  }
  refresh();
})();
