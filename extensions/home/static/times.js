// Times stand in UTC on the page; here they become those of the browser's own zone.

const language = document.documentElement.lang;
const date = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const withZone = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });

export function localTimes(within = document) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.textContent = date.format(at);
    time.title = withZone.format(at);
  }
}

localTimes();
