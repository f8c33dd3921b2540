// Keeps the bar below a list true while boxes are ticked: how many, how much; and offers "all".
const language = document.documentElement.lang || "en";

function amountIn(minor, currency) {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  return format.format(Number(minor) / 10 ** format.resolvedOptions().maximumFractionDigits);
}

for (const list of document.querySelectorAll("[data-selection]")) {
  const form = list.closest("form");
  const bar = form?.querySelector("[data-selection-bar]");
  if (!bar) continue;
  const boxes = [...list.querySelectorAll("tbody input[type=checkbox]")];
  const all = form.querySelector("[data-select-all]");
  const total = bar.querySelector("[data-selection-total]");

  const show = () => {
    const ticked = boxes.filter((box) => box.checked);
    bar.querySelector("[data-selection-count]").textContent = ticked.length + Number(bar.dataset.keptCount || 0);
    if (total) {
      const sum = ticked.reduce((minor, box) => minor + BigInt(box.dataset.amount || 0), BigInt(bar.dataset.keptMinor || 0));
      total.textContent = amountIn(sum, bar.dataset.currency);
    }
    if (all) {
      all.checked = ticked.length === boxes.length && boxes.length > 0;
      all.indeterminate = ticked.length > 0 && !all.checked;
    }
  };

  if (all && boxes.length > 1) {
    all.hidden = false;
    if (all.closest("label")) all.closest("label").hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      show();
    });
  }
  list.addEventListener("change", show);
  addEventListener("pageshow", show);
  show();
}
