// A form that changes something is sent once: the second click within ten seconds does nothing.
// The server bears a double submit as well; this only spares people the doubt.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button) {
    button.setAttribute("aria-disabled", "true");
    button.dataset.busy = "yes";
  }
  const release = () => {
    delete form.dataset.sent;
    button?.removeAttribute("aria-disabled");
    delete button?.dataset.busy;
  };
  setTimeout(release, 10_000);
  addEventListener("pageshow", release, { once: true });
});
