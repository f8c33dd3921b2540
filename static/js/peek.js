// Looks into a row without leaving the list: Space, or a click beside its links, shows the row's page in a panel at the side.
// The panel holds what that page marks with data-peek, else its content; Escape closes it.
const panel = document.createElement("aside");
panel.className = "peek";
panel.hidden = true;
panel.tabIndex = -1;
document.body.append(panel);
let asked = 0;

function shut() {
  panel.hidden = true;
  asked += 1;
}

async function peek(row) {
  const link = row.querySelector("a[href]");
  if (!link || new URL(link.href).pathname === location.pathname) return;
  const mine = ++asked;
  const answer = await fetch(link.href, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected || mine !== asked) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const title = document.createElement("a");
  title.href = link.href;
  title.className = "peek-title";
  title.textContent = page.querySelector("h1")?.textContent ?? link.textContent;
  const parts = page.querySelectorAll("[data-peek]");
  const content = parts.length ? [...parts] : [...(page.querySelector(".desk-content")?.children ?? [])].slice(0, 3);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-quiet btn-small";
  close.textContent = document.body.dataset.close ?? "×";
  close.addEventListener("click", shut);
  const head = document.createElement("div");
  head.className = "peek-head";
  head.append(title, close);
  panel.replaceChildren(head, ...content.map((part) => document.importNode(part, true)));
  // only to be read: acts belong to the page itself
  for (const act of panel.querySelectorAll(".tick input, .selection-bar, details.confirm, .search")) act.remove();
  panel.setAttribute("aria-label", title.textContent);
  panel.hidden = false;
}

document.addEventListener("peek", (event) => peek(event.target));
document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-row]");
  if (!row || event.target.closest("a, button, input, label, summary, select") || getSelection().toString()) return;
  document.querySelector("[data-row][data-at]")?.removeAttribute("data-at");
  row.dataset.at = "";
  peek(row);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !panel.hidden) shut();
});
