// Elements are made of text, never of markup: names, titles and logs are other people's.

const isThere = child => child !== null && child !== undefined && child !== '';

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'click') {
      made.addEventListener('click', value);
    } else if (value === true) {
      made.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value);
    }
  }
  made.append(...children.filter(isThere));
  return made;
}

// Puts new content in place; what had the focus has it again, and what was unfolded stays so.
export function replace(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const open = new Set([...parent.querySelectorAll('details[open]')].map(one => one.dataset.key));
  parent.replaceChildren(...children.filter(isThere));
  for (const one of parent.querySelectorAll('details')) {
    one.open = open.has(one.dataset.key);
  }
  if (focused) {
    parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
}

export function button(label, key, click, kind = 'outline-contrast', disabled = false) {
  return element('button', { type: 'button', class: `btn btn-sm btn-${kind}`, 'data-key': key, click, disabled }, label);
}

export function when(moment) {
  return moment ? new Date(moment).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) : '';
}

export function duration(seconds) {
  if (seconds < 90) {
    return `${Math.max(1, Math.round(seconds))} s`;
  }
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
