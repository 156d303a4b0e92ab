// What lies over the page: the modal that the app opened, confirmation dialogs, and short notices.

import { renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

const overlay = document.getElementById("overlay");
let shown = "";
let values = {};
let of = "";

export function notice(text, bad = true) {
  const node = h("div", { class: `toast ${bad ? "bad" : ""}`, "data-testid": "toast" }, text);
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), 6000);
}

export function confirm(dialog) {
  return new Promise((done) => {
    const end = (answer) => { place.remove(); done(answer); };
    const ok = h("button", {
      type: "button", class: `button ${dialog.style || "primary"}`, "data-testid": "confirm-ok", onclick: () => end(true),
    }, plainText(dialog.confirm) || "Yes");
    const place = h("div", { class: "veil", onkeydown: (event) => event.key === "Escape" && end(false) },
      h("div", { class: "dialog small", role: "alertdialog", "data-testid": "confirm" },
        h("header", {}, h("h2", {}, plainText(dialog.title) || "Are you sure?")),
        h("div", { class: "dialog-body" }, textObject(dialog.text)),
        h("footer", {}, h("button", { type: "button", class: "button", onclick: () => end(false) }, plainText(dialog.deny) || "Cancel"), ok)));
    document.body.append(place);
    ok.focus();
  });
}

// Draws the modal in front, or none. What the person has typed stays while the app only adds errors.
export function showModal(view, desk, act) {
  const now = view ? JSON.stringify(view) : "";
  if (now === shown) return;
  shown = now;
  if (!view) {
    overlay.replaceChildren();
    return;
  }
  if (of !== view.id + view.hash) [of, values] = [view.id + view.hash, {}];
  overlay.replaceChildren(modal(view, formDesk(view, desk, act), act));
  const first = overlay.querySelector("input, textarea, select");
  if (first) first.focus();
}

function formDesk(view, desk, act) {
  return {
    ...desk,
    errors: view.errors,
    value: (name, initial) => name in values ? values[name] : initial,
    remember: (name, value) => { values[name] = value; },
    press: (block, element, choice) =>
      act({ do: "click", view: view.id, block_id: block.block_id, action_id: element.action_id, choice }),
  };
}

function modal(view, desk, act) {
  const close = () => act({ do: "close", view: view.id });
  const form = h("form", {
    class: "dialog", role: "dialog", "aria-modal": "true", "data-testid": "modal", "data-view": view.id,
    onsubmit: async (event) => {
      event.preventDefault();
      const submit = form.querySelector("[type=submit]");
      submit.disabled = true;
      const given = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined);
      await act({ do: "submit", view: view.id, values: Object.fromEntries(given) });
      submit.disabled = false;
    },
    onkeydown: (event) => event.key === "Escape" && close(),
  },
    h("header", {}, h("h2", {}, plainText(view.title)),
      h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: close }, "✕")),
    h("div", { class: "dialog-body" },
      view.trouble && h("div", { class: "alert error", role: "alert" }, view.trouble),
      ...renderBlocks(view.blocks, desk)),
    h("footer", {},
      h("button", { type: "button", class: "button", "data-testid": "modal-close", onclick: close }, plainText(view.close) || "Cancel"),
      view.submit && h("button", { type: "submit", class: "button primary", "data-testid": "modal-submit" }, plainText(view.submit))));
  return h("div", { class: "veil" }, form);
}
