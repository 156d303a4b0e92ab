// Slack's markup as elements: mentions, links, emphasis, code, quotes, emoji; and rich_text, which says the same as JSON.

import { clock, h, safeUrl } from "./dom.js";
import { emoji } from "./emoji.js";

const INLINE = new RegExp([
  "<([^<>\\n]+)>", // 1: a mention or link
  "`([^`\\n]+)`", // 2: code
  ":([a-z0-9_+-]+):", // 3: emoji
  "(?<![\\w*])\\*([^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])", // 4: bold
  "(?<![\\w_])_([^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])", // 5: italic
  "(?<![\\w~])~([^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])", // 6: strike
].join("|"), "g");

export const names = { users: new Map(), channels: new Map(), groups: new Map(), order: new Map() };

const decode = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function plainText(object) {
  if (!object) return "";
  return typeof object === "string" ? object : decode(object.text);
}

export function textObject(object) {
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return withEmoji(decode(object.text), object.emoji !== false);
}

function withEmoji(text, wanted) {
  const out = document.createDocumentFragment();
  if (!wanted) {
    out.append(text);
    return out;
  }
  text.split(/:([a-z0-9_+-]+):/).forEach((part, index) => out.append(index % 2 ? emoji(part) : part));
  return out;
}

export function mrkdwn(text) {
  const out = document.createDocumentFragment();
  text.split(/```\n?([\s\S]*?)\n?```/).forEach((part, index) => {
    if (index % 2) out.append(h("pre", {}, bare(part)));
    else out.append(...paragraphs(part));
  });
  return out;
}

function paragraphs(text) {
  const parts = [];
  let quote = null;
  const lines = text.replace(/^\n|\n$/g, "").split("\n");
  lines.forEach((line, index) => {
    const quoted = /^(&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) parts.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(inline(quoted[2]));
      return;
    }
    if (index > 0 && !quote) parts.push(h("br"));
    quote = null;
    parts.push(inline(line));
  });
  return parts;
}

function inline(text) {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    out.append(decode(text.slice(at, match.index)));
    const [whole, bracket, code, name, bold, italic, strike] = match;
    if (bracket) out.append(reference(bracket));
    else if (code) out.append(h("code", {}, bare(code)));
    else if (name) out.append(emoji(name));
    else if (bold) out.append(h("strong", {}, inline(bold)));
    else if (italic) out.append(h("em", {}, inline(italic)));
    else out.append(h("s", {}, inline(strike)));
    at = match.index + whole.length;
  }
  out.append(decode(text.slice(at)));
  return out;
}

// Inside of code, links are shown by their label and nothing else is markup.
function bare(text) {
  return decode(text.replace(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, target, label) => label || target));
}

function reference(inside) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return user(target.slice(1), label);
  if (target.startsWith("#")) return channel(target.slice(1), label);
  if (target.startsWith("!subteam^")) return group(target.slice(9), label);
  if (/^!(channel|here|everyone)$/.test(target)) return broadcast(target.slice(1));
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return document.createTextNode(decode(label || target));
  return link(decode(target), label ? inline(label) : decode(target));
}

const mention = (text, kind = "") => h("span", { class: `mention ${kind}` }, text);
const user = (id, label) => mention(`@${names.users.get(id) || label || id}`, id === names.me ? "me" : "");
const channel = (id, label) => mention(`#${names.channels.get(id) || label || id}`);
const group = (id, label) => mention(`@${names.groups.get(id) || (label || id).replace(/^@/, "")}`, "me");
const broadcast = (range) => mention(`@${range}`, "broadcast");

function date(target, label) {
  const [, seconds, pattern = ""] = target.split("^");
  return h("time", { title: label || "" }, Number(seconds) ? when(Number(seconds), pattern) : label || "");
}

// The words in braces are Slack's; those that are not known here are shown as a day.
function when(seconds, pattern = "{date_short}, {time}") {
  return pattern.replace(/\{(\w+)\}/g, (_, word) =>
    word === "time" ? clock(seconds) : word === "time_secs" ? clock(seconds, "2-digit") : day(seconds, word.endsWith("_pretty")));
}

function day(seconds, pretty) {
  const [then, now] = [new Date(seconds * 1000), new Date()];
  if (pretty && then.toDateString() === now.toDateString()) return "today";
  return then.toLocaleDateString([], { month: "short", day: "numeric" });
}

export function link(url, content) {
  const href = safeUrl(url);
  return href ? h("a", { href, target: "_blank", rel: "noreferrer noopener" }, content) : h("span", {}, content);
}

// rich_text

export function richText(block) {
  return block.elements.map(richPart);
}

function richPart(part) {
  const leaves = () => part.elements.map(richLeaf);
  if (part.type === "rich_text_preformatted") return h("pre", {}, ...part.elements.map((each) => each.text || each.url));
  if (part.type === "rich_text_quote") return h("blockquote", {}, ...leaves());
  if (part.type === "rich_text_section") return h("div", { class: "rich" }, ...leaves());
  if (part.type === "rich_text_list") {
    const items = part.elements.map((each) => h("li", {}, ...each.elements.map(richLeaf)));
    const list = h(part.style === "ordered" ? "ol" : "ul", {}, ...items);
    list.style.marginLeft = `${(part.indent || 0) * 22}px`;
    return list;
  }
  return h("div", { class: "unknown" }, `Unknown rich_text part: ${part.type}`);
}

function richLeaf(leaf) {
  const { style = {} } = leaf;
  let node = leafContent(leaf);
  for (const [name, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]]) {
    if (style[name]) node = h(tag, {}, node);
  }
  return node;
}

function leafContent(leaf) {
  switch (leaf.type) {
    case "text": return document.createTextNode(leaf.text);
    case "link": return link(leaf.url, leaf.text || leaf.url);
    case "user": return user(leaf.user_id);
    case "usergroup": return group(leaf.usergroup_id);
    case "channel": return channel(leaf.channel_id);
    case "broadcast": return broadcast(leaf.range);
    case "emoji": return emoji(leaf.name);
    case "date": return h("time", {}, when(leaf.timestamp));
    default: return h("span", { class: "unknown" }, `Unknown element: ${leaf.type}`);
  }
}
