// Goes on in a moment to where the page's link leads: what it waits for may be there then.

const link = document.getElementById("onward");

setTimeout(() => location.replace(link.href), 2500);
