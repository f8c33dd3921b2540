// The keyboard of the desk: / searches, g and a letter changes room, j k x Enter walk a list, ? shows the map,
// and a letter printed on a button presses it. Never while something is being typed, never with Ctrl, Alt or Meta.
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
let went = 0;

const rows = () => [...document.querySelectorAll("[data-row]")];

function walk(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.dataset.at !== undefined);
  const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
  if (at >= 0) delete all[at].dataset.at;
  next.dataset.at = "";
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus({ preventScroll: true });
}

const present = () => document.querySelector("[data-row][data-at]");

// A reader who speaks to the computer, or types by accident, may switch the letters off (WCAG 2.1.4); remembered in this browser.
const keySwitch = document.querySelector("[data-keys-switch]");
let lettersOn = localStorage.getItem("keys") !== "off";
if (keySwitch) {
  const show = () => keySwitch.setAttribute("aria-pressed", String(lettersOn));
  keySwitch.hidden = false;
  keySwitch.addEventListener("click", () => {
    lettersOn = !lettersOn;
    localStorage.setItem("keys", lettersOn ? "on" : "off");
    show();
  });
  show();
}

const acts = {
  "/": () => (document.querySelector("[data-global-search]") ?? document.querySelector("[data-search]"))?.focus(),
  "?": () => {
    const map = document.querySelector("[data-key-map]");
    if (map) map.open = !map.open;
  },
  j: () => walk(1),
  k: () => walk(-1),
  x: () => present()?.querySelector("input[type=checkbox]")?.click(),
  Enter: () => present()?.querySelector("a")?.click(),
  " ": () => present()?.dispatchEvent(new CustomEvent("peek", { bubbles: true })),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (!lettersOn) return;
  const going = event.timeStamp - went < 1500;
  went = 0;
  if (going) {
    const room = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (room) {
      event.preventDefault();
      room.click();
      return;
    }
  }
  if (event.key === "g") {
    went = event.timeStamp;
    return;
  }
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (event.key === " " && (!present() || event.target.closest("button, summary, input"))) return;
  const act = acts[event.key];
  const button = /^[a-z]$/.test(event.key) && document.querySelector(`[data-key="${event.key}"]`);
  if (!act && !button) return;
  event.preventDefault();
  if (act) act();
  else button.click();
});
