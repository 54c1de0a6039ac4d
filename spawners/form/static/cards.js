// The cards of the sizes: what each would be now, with the rest of what is chosen.
import { span, upTo } from "./words.js";

function say(element, text) {
  if (element.textContent !== text) element.textContent = text; // a screen reader hears changes only
}

export function showSizes(root, sizes) {
  for (const size of sizes) {
    const of = (kind) => root.querySelector(`.campus-${kind}[data-size="${CSS.escape(size.name)}"]`);
    const room = size.refused || !size.fits_now ? "" : ` · room for ${size.fits_now}`;
    say(of("now"), size.sentence + room);
    of("now").dataset.state = size.refused ? "refused" : size.starts_in === 0 ? "now" : "later";
    if (size.longest) say(of("longest"), span(size.longest.seconds));
  }
  const chosen = root.querySelector("input[name=size]:checked")?.value;
  const longest = sizes.find((size) => size.name === chosen)?.longest;
  say(root.querySelector("#campus-until"), longest ? upTo(longest) : "");
}
