// Another language in the middle of a form: what was typed comes along. Without this script the link just changes the language.
let touched = null;
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form && form.method === "post") touched = form;
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[hreflang]");
  if (!link || !touched?.isConnected) return;
  event.preventDefault();
  const address = new URL(touched.getAttribute("action") ?? "", location.href);
  address.hash = "";
  address.searchParams.set("speak", link.hreflang);
  const button = document.createElement("button");
  button.formAction = address.href;
  button.formNoValidate = true;
  button.hidden = true;
  touched.append(button);
  button.click();
});
