// What was opened closes by Escape or by a click beside it.
const open = () => document.querySelectorAll("details.acts-more[open], details.confirm[open], details[data-key-map][open], details.column-choice[open]");
document.addEventListener("click", (event) => {
  for (const box of open()) if (!box.contains(event.target)) box.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const box of open()) {
    box.open = false;
    box.querySelector("summary").focus();
  }
});
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches?.("[data-confirm][open]")) event.target.querySelector("input:not([type=hidden]), textarea, button")?.focus();
  },
  true,
);
