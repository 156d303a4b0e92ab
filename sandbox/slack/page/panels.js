// The columns beside the conversation: who one is and where one can go; and the buttons that break things.

import { h } from "./dom.js";
import { avatar } from "./messages.js";

export function sidebar(picture, { where, unread, become, go }) {
  const people = picture.users.filter((user) => !user.bot);
  const channels = picture.channels.filter((channel) => !channel.im);
  const direct = picture.channels.filter((channel) => channel.im);
  return [
    h("div", { class: "workspace" }, h("img", { src: "/page/tandem.svg", alt: "", class: "avatar" }),
      h("div", {}, h("strong", {}, "Local Slack"), h("span", {}, "on this machine only"))),
    h("h4", {}, "Acting as"),
    h("div", { class: "people" }, ...people.map((user) => h("button", {
      type: "button", class: `person ${user.id === picture.me ? "me" : ""}`, "data-testid": `person-${user.id}`,
      "aria-pressed": String(user.id === picture.me), onclick: () => become(user.id),
    }, avatar(user, "big"), h("span", { class: "person-name" }, user.name, role(user) && h("small", {}, role(user)))))),
    h("h4", {}, "Channels"),
    ...channels.map((channel) => place(channel.id, `# ${channel.name}`, where, unread(channel.id), go, channel.archived)),
    h("h4", {}, "Apps"),
    ...direct.map((channel) => place(channel.id, picture.app.name, where, unread(channel.id), go)),
    picture.app.home_tab && place("home", `${picture.app.name} Home`, where, 0, go),
  ];
}

const role = (user) => user.deleted ? "deactivated" : user.guest ? "guest" : "";

function place(id, name, where, unread, go, archived = false) {
  return h("button", {
    type: "button", class: `place ${id === where ? "here" : ""} ${unread ? "unread" : ""}`,
    "data-testid": `channel-${id}`, onclick: () => go(id),
  }, h("span", {}, name, archived && " (archived)"), unread > 0 && h("span", { class: "count" }, String(unread)));
}

// What the buttons have answered, and which was pressed last: an older answer is no longer true.
const results = new Map();
let newest = null;

export function demoStatus(status) {
  const lines = status.split("\n").map((line) => h("div", {}, linked(line)));
  return [status && h("div", { class: "demo-status", "data-testid": "demo-status" }, ...lines)];
}

export function demoButtons(buttons, press) {
  // Someone else may have pressed one too.
  const pressed = buttons.find((each) => each.running || (results.has(each.id) && each.result !== results.get(each.id)));
  if (pressed) newest = pressed.id;
  for (const each of buttons) results.set(each.id, each.result);
  const groups = [...new Set(buttons.map((each) => each.group))];
  return groups.flatMap((group) => [
    h("h2", {}, group),
    ...buttons.filter((each) => each.group === group).map((each) => demoButton(each, press)),
  ]);
}

// "Prometheus: http://…" is a link by its word: the addresses are longer than the column is wide.
function linked(line) {
  const found = /^(.+): (https?:\/\/\S+)$/.exec(line);
  return found ? h("a", { href: found[2], target: "_blank", rel: "noreferrer noopener" }, found[1]) : line;
}

function demoButton(each, press) {
  const failed = each.result.startsWith("Failed:");
  return h("div", { class: "demo-entry" },
    h("button", {
      type: "button", class: "button wide", "data-testid": `demo-${each.id}`, disabled: each.running, onclick: () => {
        newest = each.id;
        press(each.id);
      },
    }, each.running ? h("span", { class: "spinner", "aria-hidden": "true" }) : null, each.label,
      h("small", {}, each.help)),
    each.id === newest && each.result && h("p", { class: `demo-result ${failed ? "bad" : ""}`, "data-testid": `demo-result-${each.id}` }, each.result));
}
