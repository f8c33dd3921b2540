// The reader chooses the columns of a long list: a menu beside its pager, remembered in this browser.
const sheet = document.querySelector(".desk-content .sheet-table");
const pager = document.querySelector(".desk-content .pager[data-columns]");
const heads = sheet ? [...sheet.tHead.rows[0].cells] : [];
const named = heads.map((head, index) => [head, index]).filter(([head]) => !head.classList.contains("tick") && head.innerText.trim());

if (pager && named.length > 3) {
  const place = `columns:${location.pathname}`;
  const hidden = new Set(JSON.parse(localStorage.getItem(place) ?? "[]"));
  const spans = [...(sheet.tFoot?.rows[0]?.cells ?? [])].map((cell) => cell.colSpan);

  const show = () => {
    for (const row of [...sheet.tHead.rows, ...sheet.tBodies[0].rows]) {
      for (const [, index] of named) if (row.cells[index]) row.cells[index].hidden = hidden.has(index);
    }
    let at = 0;
    for (const [place, span] of spans.entries()) {
      const left = Array.from({ length: span }, (_, step) => at + step).filter((index) => !hidden.has(index)).length;
      const cell = sheet.tFoot.rows[0].cells[place];
      cell.hidden = left === 0;
      cell.colSpan = Math.max(left, 1);
      at += span;
    }
  };

  const menu = document.createElement("details");
  menu.className = "column-choice";
  const name = document.createElement("summary");
  name.textContent = pager.dataset.columns;
  const list = document.createElement("div");
  menu.append(name, list);
  for (const [head, index] of named.slice(1)) {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", className: "form-check-input", checked: !hidden.has(index) });
    label.append(box, head.innerText.trim());
    list.append(label);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(index);
      else hidden.add(index);
      localStorage.setItem(place, JSON.stringify([...hidden]));
      show();
    });
  }
  pager.querySelector(".pager-shown").after(menu);
  if (hidden.size) show();
}
