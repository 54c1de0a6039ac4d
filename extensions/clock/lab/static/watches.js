// When to warn: each time once, and again only after things got better.

const WARNINGS = [5, 15]; // minutes before the end
const MARGIN = 60; // seconds by which an end must have moved before it is a new one
const KEY = 'campus-clock';

export class TimeWatch {
  // `storage` keeps what was said over a reload of the page (sessionStorage).
  constructor(storage) {
    this.storage = storage;
  }

  // Whether it is time to warn of the end, `left` seconds away (null: there is none).
  due(job, left) {
    const now = left === null ? Infinity : (WARNINGS.find(each => left <= each * 60) ?? Infinity);
    const said = this.said(job);
    if (now < said) {
      this.note(job, now);
      return true;
    }
    // The end was moved: what was said of the old one does not count.
    if (now > said && (left === null || left > said * 60 + MARGIN)) this.note(job, now);
    return false;
  }

  // The last warning about this job, in minutes; Infinity for none.
  said(job) {
    const [of, minutes] = (this.storage.getItem(KEY) ?? '').split(' ');
    return of === String(job) && WARNINGS.includes(Number(minutes)) ? Number(minutes) : Infinity;
  }

  note(job, minutes) {
    this.storage.setItem(KEY, `${job} ${minutes}`);
  }
}

const FULL = 0.9; // of the limit: warn
const CALM = 0.8; // below: warn again next time

export const isFull = memory => Boolean(memory?.limit) && memory.used > FULL * memory.limit;

export class MemoryWatch {
  said = false;

  due(memory) {
    const full = isFull(memory);
    const due = full && !this.said;
    if (full) this.said = true;
    else if (memory?.limit && memory.used < CALM * memory.limit) this.said = false;
    return due;
  }
}
