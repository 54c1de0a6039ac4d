// The cards of the sizes: what each would be now, with the rest of what is chosen.
import { span, upTo } from "./words.js";

function say(element, text) {
  if (element.textContent !== text) element.textContent = text; // a screen reader hears changes only
}

// How many more there could be now: by what is free, and by the person's own limits where those are less.
function room({ refused, waits, starts_in, fits_now, more }) {
  if (refused || waits || starts_in || !fits_now) return "";
  return more !== null && more < fits_now ? ` · your limits allow ${more}` : ` · room for ${fits_now}`;
}

export function showSizes(root, sizes, chosen) {
  for (const size of sizes) {
    const of = (kind) => root.querySelector(`.campus-${kind}[data-size="${CSS.escape(size.name)}"]`);
    say(of("now"), size.sentence + room(size));
    of("now").dataset.state = size.refused ? "refused" : room(size) ? "now" : "later";
    if (size.longest) say(of("longest"), span(size.longest.seconds));
  }
  const longest = sizes.find((size) => size.name === chosen)?.longest;
  say(root.querySelector("#campus-until"), longest ? upTo(longest) : "");
}
