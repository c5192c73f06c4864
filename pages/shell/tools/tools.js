// Files that were saved already: Streamlit draws an element again with what it was given before.
const saved = new Set();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tools");
  root.setAttribute("aria-label", data.name);
  for (const button of root.querySelectorAll("button")) {
    button.removeAttribute("aria-busy");
    button.onclick = () => {
      button.setAttribute("aria-busy", "true");
      setTriggerValue("asked", { tool: button.dataset.tool, frame: frame(data.container) });
    };
  }
  if (data.file && !saved.has(data.file.id)) save(data.file);
}

// A button that is pressed in a dialog and waits loses the focus to the page, where Streamlit does not hear Escape.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.activeElement === document.body)
    document.querySelector('[role="dialog"] button[aria-label="Close"]')?.click();
});

// A dialog that closes leaves the focus to the page: back to what had it before.
let before = null, open = false;
document.addEventListener("focusin", (event) => {
  const [at] = event.composedPath();
  if (!event.target.closest('[role="dialog"]')) before = at;
});
function back() {
  if (document.activeElement === document.body && !open) before?.focus({ preventScroll: true });
}
new MutationObserver(() => {
  const closes = open && !document.querySelector('[role="dialog"]');
  open = !!document.querySelector('[role="dialog"]');
  if (closes) [0, 200, 1000].forEach((pause) => setTimeout(back, pause));
}).observe(document.body, { childList: true, subtree: true });

// Of the figure's animated chart, the frame that its player shows.
function frame(container) {
  const input = document.querySelector(
    ".st-key-" + CSS.escape(container) + ' .vega-bind input[type="range"][name="frame"]');
  return input ? Number(input.value) : null;
}

function save(file) {
  saved.add(file.id);
  const bytes = Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: file.mime }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
