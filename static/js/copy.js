// "Copy" buttons appear only where copying works.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      const done = button.querySelector(".copy-done");
      done.hidden = false;
      setTimeout(() => (done.hidden = true), 2000);
    });
  }
}
