// The line in which a person types: Enter sends, a slash offers the app's commands, arrow up brings back what was sent.

import { h } from "./dom.js";

const sent = [];

export function composer({ testid, placeholder, commands, send }) {
  const hints = h("div", { class: "hints", hidden: true, role: "listbox" });
  let back = 0;
  const line = h("textarea", {
    class: "composer-line", rows: 1, placeholder, "data-testid": testid, "aria-label": placeholder,
    oninput: () => offer(),
    onkeydown: (event) => key(event),
  });

  function offer() {
    line.style.height = "auto";
    line.style.height = `${Math.min(line.scrollHeight, 160)}px`;
    const first = line.value.split(" ")[0];
    const fitting = line.value.startsWith("/") ? commands.filter((each) => each.name.startsWith(first)) : [];
    hints.hidden = fitting.length === 0;
    hints.replaceChildren(...fitting.map((each) => h("button", { type: "button", class: "hint-row", onclick: () => {
      line.value = `${each.name} `;
      offer();
      line.focus();
    } }, h("strong", {}, each.name), h("span", { class: "usage" }, each.hint), h("span", { class: "about" }, each.description))));
  }

  function key(event) {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Tab" && !hints.hidden && !line.value.includes(" ")) {
      event.preventDefault();
      hints.querySelector("button").click();
    } else if (event.key === "ArrowUp" && (line.value === "" || back > 0) && back < sent.length) {
      event.preventDefault();
      back += 1;
      line.value = sent[sent.length - back];
      offer();
    }
  }

  function submit() {
    const text = line.value.trim();
    if (!text) return;
    sent.push(text);
    back = 0;
    line.value = "";
    offer();
    send(text);
  }

  return h("div", { class: "composer" }, hints, h("div", { class: "composer-box" }, line,
    h("button", { type: "button", class: "send", "aria-label": "Send", onclick: submit }, "Send")));
}
