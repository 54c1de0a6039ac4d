// Elements by hand. What the server says is text, never markup.

// An element with these attributes (`on` is what to do when it is pressed) and children: texts, elements, or nothing.
export function element(name, { on, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (on) made.addEventListener('click', on);
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== ''));
  return made;
}

// Names and what stands for them; rows are pairs.
export const list = rows =>
  element('dl', {}, rows.map(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
