// A saved reply goes into the text beside it. What somebody wrote stays; a reply that was put in before gives way.
const words = (option) => option?.dataset.text ?? "";
document.addEventListener("change", (event) => {
  const pick = event.target;
  if (!pick.matches("[data-fill]")) return;
  const text = document.getElementById(pick.dataset.fill);
  const before = pick.dataset.before ?? words([...pick.options].find((option) => option.defaultSelected));
  const reply = pick.selectedOptions[0];
  const own = text.value.replace(before, "").trim();
  text.value = [own, words(reply)].filter(Boolean).join("\n\n");
  pick.dataset.before = words(reply);
  const asks = document.getElementById(pick.dataset.asks);
  if (asks && reply.value) asks.checked = "asks" in reply.dataset;
  text.focus();
});
