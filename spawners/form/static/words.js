// Times and amounts as people read them.

// A length of time in seconds, to the minute: "2 h 10 min".
export function span(seconds) {
  const minutes = Math.max(1, Math.floor(seconds / 60));
  const parts = [
    [Math.floor(minutes / 1440), "d"],
    [Math.floor(minutes / 60) % 24, "h"],
    [minutes < 1440 ? minutes % 60 : 0, "min"],
  ];
  return parts.filter(([count]) => count).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

// The hour of a moment (epoch seconds), with its day where that is not today.
function hour(moment) {
  const date = new Date(moment * 1000);
  const time = { hour: "2-digit", minute: "2-digit" };
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(undefined, today ? time : { weekday: "long", ...time });
}

// Why a session may run no longer; nothing where the size itself says so.
const BECAUSE = {
  size: () => "",
  limits: () => ": your limits in Slurm allow no more",
  reservation: (until) => `: your reservation ends at ${hour(until)}`,
  maintenance: (until) => `: a maintenance of the nodes begins at ${hour(until)}`,
};

// The longest session, {seconds, because, until}.
export function upTo(longest) {
  return `Up to ${span(longest.seconds)}${BECAUSE[longest.because](longest.until)}.`;
}
