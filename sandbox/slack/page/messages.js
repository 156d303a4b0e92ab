// One message as it looks in the channel and in a thread.

import { renderBlocks } from "./blocks.js";
import { clock, h } from "./dom.js";
import { mrkdwn, names } from "./mrkdwn.js";

const HUES = [262, 196, 20, 142, 330, 45, 220, 95];

export function avatar(person, size = "") {
  if (person.app) return h("img", { class: `avatar ${size}`, src: "/page/tandem.svg", alt: "" });
  const node = h("span", { class: `avatar ${size}`, "aria-hidden": "true" }, person.name.slice(0, 1).toUpperCase());
  node.style.background = `hsl(${HUES[(names.order.get(person.id) || 0) % HUES.length]} 38% 47%)`;
  return node;
}

export function message(post, { person, desk, replies, openThread }) {
  const body = post.blocks.length ? renderBlocks(post.blocks, desk) : [h("div", { class: "text-body" }, mrkdwn(post.text))];
  const edited = post.edited && h("span", { class: "edited" }, "(edited)");
  return h("article", {
    class: `message ${post.private ? "private" : ""}`, "data-testid": "message", "data-ts": post.ts, id: `m${post.ts}`,
  },
    post.private && h("div", { class: "only-you" }, h("span", { class: "eye", "aria-hidden": "true" }), "Only visible to you"),
    avatar(person),
    h("div", { class: "message-main" },
      h("div", { class: "message-head" },
        h("strong", {}, person.shown),
        person.bot && h("span", { class: "badge" }, "APP"),
        h("time", { title: new Date(Number(post.ts) * 1000).toISOString() }, clock(post.ts)),
        openThread && !post.private && h("button", { type: "button", class: "reply", onclick: openThread }, "Reply in thread")),
      h("div", { class: "message-body" }, ...body, edited),
      ...post.files.map(file),
      replies.length > 0 && openThread && threadLink(replies, openThread)));
}

function threadLink(replies, openThread) {
  const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  return h("button", { type: "button", class: "thread-open", "data-testid": "thread-open", onclick: openThread },
    count, h("span", {}, `Last at ${clock(replies[replies.length - 1].ts)}`));
}

function file(each) {
  const address = `/files/${each.id}/${encodeURIComponent(each.name)}`;
  const caption = h("figcaption", {}, each.title || each.name);
  if (/\.(png|jpe?g|gif)$/i.test(each.name)) {
    const picture = h("img", { src: address, alt: each.alt || each.title || each.name, class: "shared", loading: "lazy" });
    return h("figure", { class: "file" }, caption, h("a", { href: address, target: "_blank" }, picture));
  }
  return h("a", { class: "file-card", href: address, download: each.name },
    h("strong", {}, each.title || each.name), h("span", {}, `${each.name} · ${Math.ceil(each.size / 1024)} kB`));
}
