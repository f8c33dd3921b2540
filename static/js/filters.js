// A filter acts when it is chosen; empty ones stay out of the address.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  const unused = [...event.target.elements].filter((field) => field.name && field.value === "" && !field.disabled);
  for (const field of unused) field.disabled = true;
  setTimeout(() => unused.forEach((field) => (field.disabled = false)));
});
