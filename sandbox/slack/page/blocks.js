// Block Kit as elements. A block or element that is not known here is a loud error, never left out.

import { h, safeUrl } from "./dom.js";
import { mrkdwn, plainText, richText, textObject } from "./mrkdwn.js";

const unknown = (what) => h("div", { class: "unknown", "data-testid": "unknown-block" }, `Unknown ${what}`);

// `desk` is what the surface can do: press(block, element, choice, node), and for forms read/remember values.
export function renderBlocks(blocks, desk) {
  return blocks.map((block) => {
    const draw = BLOCKS[block.type];
    const node = draw ? draw(block, desk) : unknown(`block type: ${block.type}`);
    node.classList.add("block");
    return node;
  });
}

const BLOCKS = {
  header: (block) => h("h3", { class: "header" }, textObject(block.text)),
  divider: () => h("hr"),
  section,
  context: (block) => h("div", { class: "context" }, ...block.elements.map((each) =>
    each.type === "image" ? picture(each, "context-image") : h("span", {}, textObject(each)))),
  actions: (block, desk) => h("div", { class: "actions" }, ...block.elements.map((each) => control(block, each, desk))),
  image: (block) => h("figure", {}, block.title && h("figcaption", {}, textObject(block.title)), picture(block, "block-image")),
  rich_text: (block) => h("div", {}, ...richText(block)),
  input,
  table,
  markdown: (block) => h("div", {}, ...markdown(block.text)),
  alert: (block) => h("div", { class: `alert ${block.level || "default"}`, role: "note" }, textObject(block.text)),
};

function section(block, desk) {
  const left = h("div", { class: "section-text" });
  if (block.text) left.append(h("div", {}, textObject(block.text)));
  if (block.fields) left.append(h("div", { class: "fields" }, ...block.fields.map((each) => h("div", { class: "field" }, textObject(each)))));
  const right = block.accessory && h("div", { class: "accessory" }, control(block, block.accessory, desk));
  return h("div", { class: "section" }, left, right);
}

function input(block, desk) {
  const name = `${block.block_id}.${block.element.action_id}`;
  const error = desk.errors && desk.errors[block.block_id];
  return h("div", { class: `input ${error ? "wrong" : ""}` },
    h("label", { for: name }, textObject(block.label), block.optional && h("span", { class: "optional" }, " (optional)")),
    control(block, block.element, desk),
    error && h("div", { class: "error", role: "alert", "data-testid": "input-error" }, error),
    block.hint && h("div", { class: "hint" }, textObject(block.hint)));
}

function table(block) {
  const cell = (each) => each.type === "rich_text" ? richText(each) : [each.text];
  const settings = (index) => (block.column_settings || [])[index] || {};
  const rows = block.rows.map((row, number) => h("tr", {}, ...row.map((each, index) =>
    h(number === 0 ? "th" : "td", { class: settings(index).align || "left" }, ...cell(each)))));
  return h("div", { class: "table" }, h("table", {}, ...rows));
}

// The markdown block knows more than this; headings, bold and lists are what is shown.
function markdown(text) {
  return [mrkdwn(text.replace(/\*\*(.+?)\*\*/g, "*$1*").replace(/^#+ (.*)$/gm, "*$1*").replace(/^[-*] /gm, "• "))];
}

function picture(image, kind) {
  const own = image.slack_file && image.slack_file.id ? `/files/${image.slack_file.id}/picture.png` : image.image_url;
  const here = own && (own.startsWith("/") || own.startsWith(location.origin));
  // Pictures of other sites are not fetched: this page speaks to this machine alone.
  if (!here) return h("a", { class: "elsewhere", href: safeUrl(own || "") || "#", target: "_blank", rel: "noreferrer" }, image.alt_text);
  return h("img", { src: own, alt: image.alt_text, title: image.alt_text, class: kind, loading: "lazy" });
}

export function control(block, element, desk) {
  const draw = CONTROLS[element.type];
  return draw ? draw(block, element, desk) : unknown(`element type: ${element.type}`);
}

const OPTION_KEYS = { selected: "initial_option", many: "initial_options" };

const CONTROLS = {
  image: (_, element) => picture(element, "accessory-image"),
  button,
  overflow: (block, element, desk) => menu(block, element, desk, "…"),
  static_select: (block, element, desk) => menu(block, element, desk, plainText(element.placeholder) || "Choose an option"),
  users_select: (block, element, desk) => directory(block, element, desk, desk.users, "initial_user"),
  channels_select: (block, element, desk) => directory(block, element, desk, desk.channels, "initial_channel"),
  conversations_select: (block, element, desk) => directory(block, element, desk, desk.channels, "initial_conversation"),
  multi_static_select: (block, element, desk) => choices(block, element, desk, "checkbox"),
  radio_buttons: (block, element, desk) => choices(block, element, desk, "radio"),
  checkboxes: (block, element, desk) => choices(block, element, desk, "checkbox"),
  plain_text_input: (block, element, desk) => field(block, element, desk, element.multiline ? "textarea" : "text"),
  number_input: (block, element, desk) => field(block, element, desk, "number"),
  email_text_input: (block, element, desk) => field(block, element, desk, "email"),
  url_text_input: (block, element, desk) => field(block, element, desk, "url"),
  datepicker: (block, element, desk) => field(block, element, desk, "date", "initial_date"),
  timepicker: (block, element, desk) => field(block, element, desk, "time", "initial_time"),
};

function button(block, element, desk) {
  const node = h("button", {
    type: "button",
    class: `button ${element.style || ""}`,
    action_id: element.action_id,
    "data-value": element.value,
    "data-testid": `button-${element.action_id}`,
    "aria-label": element.accessibility_label,
    onclick: async () => {
      if (element.confirm && !(await desk.confirm(element.confirm))) return;
      const url = element.url && safeUrl(element.url);
      if (url) window.open(url, "_blank", "noreferrer");
      desk.press(block, element, null, node);
    },
  }, textObject(element.text));
  return node;
}

const options = (element) => element.option_groups ? element.option_groups.flatMap((group) => group.options) : element.options;
const value = (option) => option.value || option.text.text;

// A control inside of an input block only fills in the form; anywhere else a choice is sent at once.
function chosen(block, element, desk, choice, node) {
  desk.remember(`${block.block_id}.${element.action_id}`, choice);
  if (block.type !== "input" || block.dispatch_action) desk.press(block, element, choice, node);
}

function menu(block, element, desk, title) {
  const name = `${block.block_id}.${element.action_id}`;
  const now = desk.value(name, element[OPTION_KEYS.selected] ? value(element[OPTION_KEYS.selected]) : "");
  const entries = options(element).map((each) => h("option", { value: value(each) }, plainText(each.text)));
  const node = h("select", {
    id: name, action_id: element.action_id, class: "select", "data-testid": `select-${element.action_id}`,
    onchange: () => { if (node.value) chosen(block, element, desk, node.value, node); },
  }, h("option", { value: "" }, title), ...entries);
  node.value = now;
  return node;
}

function directory(block, element, desk, entries, initial) {
  const listed = entries.map((each) => ({ text: { text: each.name }, value: each.id }));
  const start = listed.find((each) => each.value === element[initial]);
  const filled = { ...element, options: listed, [OPTION_KEYS.selected]: start };
  return menu(block, filled, desk, plainText(element.placeholder) || "Choose");
}

function choices(block, element, desk, type) {
  const name = `${block.block_id}.${element.action_id}`;
  const initial = type === "radio" ? [element[OPTION_KEYS.selected]].filter(Boolean) : element[OPTION_KEYS.many] || [];
  const now = new Set([desk.value(name, initial.map(value))].flat());
  const node = h("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group", "data-testid": `choices-${element.action_id}` });
  for (const each of options(element)) {
    const box = h("input", { type, name, value: value(each), onchange: () => {
      const picked = [...node.querySelectorAll("input:checked")].map((one) => one.value);
      chosen(block, element, desk, type === "radio" ? picked[0] : picked, node);
    } });
    box.checked = now.has(value(each));
    node.append(h("label", { class: "choice" }, box, h("span", {}, textObject(each.text),
      each.description && h("span", { class: "hint" }, textObject(each.description)))));
  }
  return node;
}

function field(block, element, desk, type, initial = "initial_value") {
  const name = `${block.block_id}.${element.action_id}`;
  const node = h(type === "textarea" ? "textarea" : "input", {
    id: name, type: type === "textarea" ? null : type, action_id: element.action_id, class: "text",
    placeholder: plainText(element.placeholder), maxlength: element.max_length, rows: type === "textarea" ? 4 : null,
    required: block.type === "input" && !block.optional,
    autocomplete: "off", "data-testid": `input-${element.action_id}`,
    step: element.is_decimal_allowed ? "any" : null,
    oninput: () => desk.remember(name, node.value),
  });
  node.value = desk.value(name, element[initial] || "");
  return node;
}
