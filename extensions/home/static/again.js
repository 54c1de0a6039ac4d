// Loads the page again in a moment: what it waits for may be there then.

setTimeout(() => location.reload(), 3000);
