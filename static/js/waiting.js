// A fragment that waits for news asks for itself again, more and more slowly, and stops when its answer no longer waits.
async function look(fragment, pause) {
  await new Promise((resolve) => setTimeout(resolve, pause));
  if (document.hidden) return look(fragment, pause);
  try {
    const answer = await fetch(fragment.dataset.waiting, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
    if (answer.redirected || !answer.ok) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const news = page.querySelector("[data-waiting], [data-arrived]");
    if (!news) return location.reload();
    fragment.replaceWith(news);
    document.title = page.title;
    document.querySelector("h1")?.replaceChildren(...(page.querySelector("h1")?.childNodes ?? []));
    if (news.dataset.arrived !== undefined) return undefined;
    start(news, Math.min(pause * 1.3, 15_000));
  } catch {
    look(fragment, Math.min(pause * 2, 30_000));
  }
  return undefined;
}

function start(fragment, pause) {
  for (const plain of fragment.querySelectorAll("[data-plain]")) plain.hidden = true;
  look(fragment, pause);
}

for (const fragment of document.querySelectorAll("[data-waiting]")) {
  start(fragment, Number(fragment.dataset.every || 3) * 1000);
}
