// The page as a whole: a live picture of what one person sees, drawn anew where it has changed, and what that person does.

import { composer } from "./composer.js";
import { renderBlocks } from "./blocks.js";
import { confirm, notice, showModal } from "./dialogs.js";
import { h } from "./dom.js";
import { message } from "./messages.js";
import { names } from "./mrkdwn.js";
import { demoButtons, demoStatus, sidebar } from "./panels.js";

const byId = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);
const at = { as: asked.get("as") || "U0ONCALL", channel: asked.get("channel") || "C0INCIDENT", thread: asked.get("thread") };
const read = {}; // The newest message that a person has seen, by person and channel.
let goTo = asked.get("message");
let picture = null;
let stream = null;

// Redraws a place only when what it shows has changed, so that menus and text in it stay.
const drawn = new Map();
function redraw(node, key, make) {
  if (drawn.get(node.id) === key) return false;
  drawn.set(node.id, key);
  node.replaceChildren(...make().filter((child) => child instanceof Node));
  return true;
}

function connect() {
  if (stream) stream.close();
  stream = new EventSource(`/local/stream?as=${encodeURIComponent(at.as)}`);
  stream.onmessage = (event) => {
    picture = JSON.parse(event.data);
    document.body.classList.remove("offline");
    draw();
  };
  stream.onerror = () => document.body.classList.add("offline");
}

async function act(what) {
  try {
    const response = await fetch("/local/act", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ as: at.as, ...what }),
    });
    const answer = await response.json();
    // A failed command is told by Slackbot in the channel; everything else needs a notice.
    if (!answer.ok && what.do !== "type") notice(answer.text || `${picture.app.name} did not answer (${answer.error}).`);
  } catch {
    notice("The local Slack does not answer.");
  }
}

function remember() {
  const query = new URLSearchParams({ as: at.as, channel: at.channel });
  if (at.thread) query.set("thread", at.thread);
  history.replaceState(null, "", `/?${query}`);
}

function become(user) {
  at.as = user;
  if (at.channel.startsWith("D")) at.channel = `D${user.slice(1)}`;
  at.thread = null;
  remember();
  connect();
}

function go(channel) {
  at.channel = channel;
  at.thread = null;
  remember();
  draw();
  if (channel === "home") act({ do: "home" });
}

function openThread(ts) {
  at.thread = ts;
  remember();
  draw();
}

const personOf = (id) => {
  const user = picture.users.find((each) => each.id === id) || { id, name: id };
  return { ...user, app: id === picture.app.user, shown: id === picture.app.user ? picture.app.name : id === "USLACKBOT" ? "Slackbot" : user.name };
};

function desk(extra) {
  return {
    confirm, errors: {}, value: (_, initial) => initial, remember: () => {},
    users: picture.users.filter((each) => !each.bot), channels: picture.channels.filter((each) => !each.im),
    press: async (block, element, choice, node) => {
      node.classList.add("busy");
      await act({ do: "click", ...extra, block_id: block.block_id, action_id: element.action_id, choice });
      node.classList.remove("busy");
    },
  };
}

function draw() {
  names.me = picture.me;
  names.users = new Map(picture.users.map((each) => [each.id, each.name]));
  names.order = new Map(picture.users.map((each, index) => [each.id, index]));
  names.channels = new Map(picture.channels.map((each) => [each.id, each.name]));
  names.groups = new Map(picture.groups.map((each) => [each.id, each.handle]));
  const channel = picture.channels.find((each) => each.id === at.channel);
  const seen = (read[at.as] ||= {});
  if (channel && channel.messages.length) seen[channel.id] = channel.messages[channel.messages.length - 1].ts;
  const unread = (id) => picture.channels.find((each) => each.id === id).messages
    .filter((each) => each.user !== picture.me && each.ts > (seen[id] || "")).length;
  redraw(byId("sidebar"), JSON.stringify([picture.users, picture.me, at.channel, picture.channels.map((each) => [each.id, each.archived, unread(each.id)])]),
    () => sidebar(picture, { where: at.channel, unread, become, go }));
  drawThread(channel); // The columns beside the conversation first: they decide how wide it is, and so where its end is.
  drawDemo();
  if (at.channel === "home") drawHome();
  else if (channel) drawChannel(channel);
  else drawNothing();
  showModal(picture.modal, desk({}), act);
}

function drawTitle(name, about) {
  redraw(byId("title"), `${name}|${about}`, () => [h("h1", {}, name), h("span", {}, about)]);
  document.title = `${name} – Local Slack`;
}

function drawNothing() {
  drawBelow(false);
  byId("messages").dataset.key = "";
  drawTitle("Nothing here", "");
  redraw(byId("messages"), `nothing ${at.channel} ${at.as}`, () => [h("p", { class: "empty" }, `${personOf(at.as).name} is not in this channel.`)]);
  redraw(byId("composer-place"), "", () => []);
}

function drawHome() {
  drawBelow(false);
  byId("messages").dataset.key = "";
  drawTitle(`${picture.app.name} Home`, `what ${personOf(at.as).name} sees`);
  redraw(byId("composer-place"), "", () => []);
  redraw(byId("messages"), JSON.stringify(["home", at.as, picture.home]), () => [h("div", { class: "home", "data-testid": "home" },
    ...(picture.home ? renderBlocks(picture.home.blocks, desk({ view: picture.home.id })) : [h("p", { class: "empty" }, "The app has not published a home tab yet.")]))]);
}

function drawChannel(channel) {
  drawTitle(channel.im ? picture.app.name : `# ${channel.name}`, channel.im ? "direct messages" : `${channel.members} members`);
  const key = `${at.as} ${channel.id}`;
  if (byId("messages").dataset.key !== key) byId("messages").replaceChildren();
  const scroll = byId("scroll");
  const fresh = byId("messages").dataset.key !== key;
  const follow = fresh || scroll.scrollTop === placed || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  byId("messages").dataset.key = key;
  drawn.delete("messages");
  const posts = channel.messages.filter((each) => !each.thread);
  drawMessages(byId("messages"), posts, channel, true);
  if (posts.length === 0) byId("messages").append(nothingYet());
  redraw(byId("composer-place"), `${key} ${channel.archived}`, () => [channel.archived
    ? h("p", { class: "empty" }, "This channel is archived.")
    : composer({
      testid: "composer", placeholder: `Message ${channel.im ? picture.app.name : `#${channel.name}`}, or / for a command`,
      commands: picture.app.commands, send: (text) => {
        toNewest(scroll); // Whoever says something wants to see the answer.
        act({ do: "type", channel: channel.id, text });
      },
    })]);
  if (fresh && !goTo) byId("composer-place").querySelector("textarea")?.focus();
  if (follow) toNewest(scroll);
  if (goTo) jump();
  const newest = posts.at(-1)?.ts;
  if (placed === scroll.scrollTop) below = newest;
  drawBelow(newest > below);
}

// What came while one looked at something above it; a press on this goes there.
let below = "";

function drawBelow(there) {
  redraw(byId("below"), String(there), () => [there && h("button", {
    type: "button", class: "button", "data-testid": "below", onclick: () => {
      toNewest(byId("scroll"));
      draw();
    },
  }, "New messages ↓")]);
}

function nothingYet() {
  const command = picture.app.commands[0]?.name || "/";
  return h("p", { class: "empty", "data-testid": "nothing-yet" }, "Nothing has been said here yet. Type ", h("code", {}, command), " to begin.");
}

// Where the conversation was last scrolled to by the page: who has not moved since follows what is new.
let placed = -1;

// To the newest message: to its beginning where it is higher than the window, since what matters stands on top.
function toNewest(scroll) {
  toEnd(scroll);
  const top = byId("messages").lastElementChild?.offsetTop ?? 0;
  scroll.scrollTop = Math.min(scroll.scrollTop, Math.max(0, top - scroll.offsetTop));
  placed = scroll.scrollTop;
}

function toEnd(scroll) {
  scroll.scrollTop = scroll.scrollHeight;
  for (const image of scroll.querySelectorAll("img.shared:not([data-watched]), img.block-image:not([data-watched])")) {
    image.dataset.watched = "1";
    image.addEventListener("load", () => { scroll.scrollTop = scroll.scrollHeight; });
  }
}

function jump() {
  const target = document.getElementById(`m${goTo}`);
  if (!target) return;
  goTo = null;
  target.scrollIntoView({ block: "center" });
  target.classList.add("found");
}

function drawMessages(place, posts, channel, inChannel) {
  const known = new Map([...place.children].map((node) => [node.dataset.ts, node]));
  let before = null;
  for (const post of posts) {
    const replies = inChannel ? channel.messages.filter((each) => each.thread === post.ts) : [];
    const key = JSON.stringify([post, replies.length, replies.at(-1)?.ts, picture.users]);
    let node = known.get(post.ts);
    if (!node || node.drawnAs !== key) {
      const next = message(post, {
        person: personOf(post.user), desk: desk({ channel: channel.id, ts: post.ts }), replies,
        openThread: inChannel ? () => openThread(post.ts) : null,
      });
      next.drawnAs = key;
      if (node) node.replaceWith(next);
      node = next;
    }
    known.delete(post.ts);
    const expected = before ? before.nextSibling : place.firstChild;
    if (expected !== node) place.insertBefore(node, expected);
    before = node;
  }
  for (const node of known.values()) node.remove();
}

function drawThread(channel) {
  const panel = byId("thread");
  const parent = channel && at.thread && channel.messages.find((each) => each.ts === at.thread);
  panel.hidden = !parent;
  if (!parent) {
    redraw(panel, "", () => []);
    return;
  }
  redraw(panel, `${at.as} ${channel.id} ${at.thread}`, () => [
    h("header", {}, h("h2", {}, "Thread"), h("button", {
      type: "button", class: "plain", "aria-label": "Close thread", "data-testid": "thread-close", onclick: () => openThread(null),
    }, "✕")),
    h("div", { class: "thread-scroll", "data-testid": "thread" }),
    composer({
      testid: "thread-composer", placeholder: "Reply…", commands: [],
      send: (text) => act({ do: "type", channel: channel.id, text, thread_ts: parent.ts }),
    }),
  ]);
  const place = panel.querySelector(".thread-scroll");
  const count = place.children.length;
  drawMessages(place, [parent, ...channel.messages.filter((each) => each.thread === parent.ts)], channel, false);
  if (place.children.length > count) toEnd(place);
}

function drawDemo() {
  const panel = byId("demo");
  panel.hidden = !byId("thread").hidden || (picture.demo.buttons.length === 0 && !picture.demo.status);
  redraw(byId("demo-status"), picture.demo.status, () => demoStatus(picture.demo.status));
  // Apart from the status, which changes every second: a button that is drawn anew under the pointer is not pressed.
  redraw(byId("demo-buttons"), JSON.stringify(picture.demo.buttons), () => demoButtons(picture.demo.buttons, (id) => {
    act({ do: "demo", id });
    drawn.delete("demo-buttons"); // Its answer may be what it was before, and then nothing new comes.
    drawDemo();
  }));
}

connect();
