// The proposal of a plan is drawn anew while its form is filled in; without this, a button of the form does it.
for (const form of document.querySelectorAll("[data-sketch]")) {
  const drawn = document.querySelector("[data-drawn]");
  const sum = form.querySelector("[data-sum]");
  let asked = 0;
  let pause = 0;
  for (const plain of form.querySelectorAll("[data-plain]")) plain.hidden = true;

  const arrange = () => {
    const split = form.elements.split?.value;
    for (const part of form.querySelectorAll("[data-shown-by]")) part.hidden = part.dataset.shownBy !== split;
  };

  const draw = async () => {
    const mine = (asked += 1);
    const address = `${form.dataset.sketch}?${new URLSearchParams(new FormData(form))}`;
    drawn.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
      if (mine !== asked) return;
      if (answer.redirected || !answer.ok) return location.reload();
      drawn.innerHTML = await answer.text();
      const told = drawn.querySelector("[data-new-sum]");
      if (sum && told) sum.textContent = told.textContent;
    } catch {
      for (const plain of form.querySelectorAll("[data-plain]")) plain.hidden = false;
    }
    drawn.removeAttribute("aria-busy");
    return undefined;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    draw();
  });
  form.addEventListener("input", () => {
    arrange();
    clearTimeout(pause);
    pause = setTimeout(draw, 250);
  });
  addEventListener("pageshow", (event) => {
    arrange();
    if (event.persisted) draw();
  });
  arrange();
}
