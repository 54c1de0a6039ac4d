// Dates in forms stand in UTC; here they are entered in the browser's own zone, and sent in UTC again.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const pad = (number) => String(number).padStart(2, "0");

function local(utc) {
  const at = new Date(`${utc}Z`);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

for (const input of document.querySelectorAll("input[data-utc]")) {
  if (input.value) input.value = local(input.value);
  const sent = document.createElement("input");
  sent.type = "hidden";
  sent.name = input.name;
  input.removeAttribute("name");
  input.after(sent);
  const follow = () => {
    sent.value = input.value ? new Date(input.value).toISOString().slice(0, 16) : "";
  };
  input.addEventListener("input", follow);
  input.form.addEventListener("submit", follow);
  follow();
  const label = document.querySelector(`label[for="${input.id}"] [data-zone]`);
  if (label) label.textContent = `(${zone})`;
}
