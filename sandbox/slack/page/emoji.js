// Emoji by Slack's names. The ones that matter in an incident are drawn here, so that they look the same everywhere,
// also where no emoji font is installed; the others are characters; an unknown name is shown as it was written.

import { h, svg } from "./dom.js";

const disc = (fill) => [["circle", { cx: 12, cy: 12, r: 10, fill }]];
const square = (fill) => [["rect", { x: 2, y: 2, width: 20, height: 20, rx: 4, fill }]];
const line = (d, stroke, width = 2.6) => ["path", {
  d, stroke, "stroke-width": width, fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round",
}];
const fill = (d, color) => ["path", { d, fill: color }];
const triangle = fill("M12 2.5 L22.5 21 H1.5 Z", "#f2b01e");
const arrow = (d) => [...square("#4a90d9"), line(d, "#fff")];
const horn = fill("M3 9.5 H8 L17 4.5 V19.5 L8 14.5 H3 Z", "#6b7682");
const palm = [...disc("#f2c879"), line("M8.5 16 V9 M11 15 V6.5 M13.5 15 V6.5 M16 16 V8.5", "#a8742e", 2)];
const lock = (shackle) => [line(shackle, "#8a94a0", 2.4), ["rect", { x: 4, y: 10, width: 16, height: 12, rx: 2.5, fill: "#f2b01e" }]];

const DRAWN = {
  white_check_mark: [...square("#2f9e62"), line("M6.5 12.5 L10.5 16.5 L17.5 8", "#fff")],
  heavy_check_mark: [line("M4 13 L9.5 18.5 L20 6", "#2f9e62", 3.2)],
  x: [line("M5 5 L19 19 M19 5 L5 19", "#d5384b", 3.6)],
  no_entry: [...disc("#d5384b"), line("M7 12 H17", "#fff", 3.4)],
  no_entry_sign: [["circle", { cx: 12, cy: 12, r: 9, fill: "none", stroke: "#d5384b", "stroke-width": 2.8 }], line("M5.8 5.8 L18.2 18.2", "#d5384b")],
  warning: [triangle, line("M12 9 V14", "#5a4300"), ["circle", { cx: 12, cy: 17.6, r: 1.5, fill: "#5a4300" }]],
  rotating_light: [fill("M5 19 V13 a7 7 0 0 1 14 0 V19 Z", "#d5384b"), fill("M3 19 H21 V22 H3 Z", "#5b6570"), line("M12 1.5 V3.5 M3.5 4.5 L5 6 M20.5 4.5 L19 6", "#f2784b", 2)],
  hourglass: [fill("M6 3 H18 L12.8 12 L18 21 H6 L11.2 12 Z", "#f2c879"), line("M5 3 H19 M5 21 H19", "#8a5a2b", 2.4)],
  hourglass_flowing_sand: [fill("M6 3 H18 L12.8 12 L18 21 H6 L11.2 12 Z", "#cfe3f5"), fill("M8 6 H16 L12.6 12 V17 L17 21 H7 L11.4 17 V12 Z", "#e0a63a"), line("M5 3 H19 M5 21 H19", "#8a5a2b", 2.4)],
  large_green_circle: disc("#2f9e62"),
  large_yellow_circle: disc("#f2c21e"),
  large_orange_circle: disc("#ee8a2a"),
  red_circle: disc("#d5384b"),
  large_blue_circle: disc("#3b7dd8"),
  white_circle: [["circle", { cx: 12, cy: 12, r: 9, fill: "#fff", stroke: "#b6bec7", "stroke-width": 2 }]],
  black_circle: disc("#333b44"),
  large_green_square: square("#2f9e62"),
  large_red_square: square("#d5384b"),
  large_yellow_square: square("#f2c21e"),
  white_large_square: [["rect", { x: 3, y: 3, width: 18, height: 18, rx: 3, fill: "#fff", stroke: "#b6bec7", "stroke-width": 2 }]],
  question: [line("M7.5 8 a4.5 4.5 0 1 1 6.2 4.2 c-1.3.6-1.7 1.3-1.7 2.8", "#d5384b", 3), ["circle", { cx: 12, cy: 20, r: 1.9, fill: "#d5384b" }]],
  grey_question: [line("M7.5 8 a4.5 4.5 0 1 1 6.2 4.2 c-1.3.6-1.7 1.3-1.7 2.8", "#9aa4af", 3), ["circle", { cx: 12, cy: 20, r: 1.9, fill: "#9aa4af" }]],
  exclamation: [line("M12 4 V14", "#d5384b", 3.6), ["circle", { cx: 12, cy: 20, r: 2, fill: "#d5384b" }]],
  information_source: [...square("#4a90d9"), line("M12 11 V17.5", "#fff"), ["circle", { cx: 12, cy: 7, r: 1.6, fill: "#fff" }]],
  lock: lock("M7.5 10 V7.5 a4.5 4.5 0 0 1 9 0 V10"),
  unlock: lock("M7.5 10 V6.5 a4.5 4.5 0 0 1 9 0"),
  key: [["circle", { cx: 7.5, cy: 12, r: 4.2, fill: "none", stroke: "#d9a520", "stroke-width": 2.6 }], line("M12 12 H21.5 M18 12 V16 M21 12 V15", "#d9a520")],
  crown: [fill("M3 7 L8 12 L12 4.5 L16 12 L21 7 L19 19 H5 Z", "#f2b01e")],
  arrow_right: arrow("M6.5 12 H17 M12.8 7.5 L17.3 12 L12.8 16.5"),
  arrow_up: arrow("M12 17.5 V7 M7.5 11.2 L12 6.7 L16.5 11.2"),
  arrow_down: arrow("M12 6.5 V17 M7.5 12.8 L12 17.3 L16.5 12.8"),
  fast_forward: arrow("M7 7.5 L11.5 12 L7 16.5 M13 7.5 L17.5 12 L13 16.5"),
  double_vertical_bar: arrow("M9 7.5 V16.5 M15 7.5 V16.5"),
  pause_button: arrow("M9 7.5 V16.5 M15 7.5 V16.5"),
  arrows_counterclockwise: arrow("M17 9.5 A6 6 0 0 0 7 9 M7 6 V9.2 H10 M7 14.5 A6 6 0 0 0 17 15 M17 18 V14.8 H14"),
  leftwards_arrow_with_hook: arrow("M10 8 L6.5 11.5 L10 15 M6.5 11.5 H14.5 a3 3 0 0 1 0 6 H12"),
  eyes: [["ellipse", { cx: 7, cy: 12, rx: 4.6, ry: 6.5, fill: "#fff", stroke: "#8a94a0", "stroke-width": 1.4 }], ["ellipse", { cx: 17, cy: 12, rx: 4.6, ry: 6.5, fill: "#fff", stroke: "#8a94a0", "stroke-width": 1.4 }], ["circle", { cx: 8.4, cy: 13, r: 2.3, fill: "#333b44" }], ["circle", { cx: 18.4, cy: 13, r: 2.3, fill: "#333b44" }]],
  mag: [["circle", { cx: 10, cy: 10, r: 6.4, fill: "#dcebf8", stroke: "#5b6570", "stroke-width": 2.4 }], line("M15 15 L21 21", "#5b6570", 3.2)],
  stethoscope: [line("M6 3 V9 a4 4 0 0 0 8 0 V3 M10 13 V16 a4.5 4.5 0 0 0 9 0 V13", "#3b5b7a", 2.2), ["circle", { cx: 19, cy: 11, r: 2.4, fill: "#3b7dd8" }]],
  clipboard: [["rect", { x: 4, y: 4, width: 16, height: 18, rx: 2, fill: "#b98a53" }], ["rect", { x: 6.5, y: 7, width: 11, height: 12.5, fill: "#fff" }], ["rect", { x: 8.5, y: 2, width: 7, height: 4, rx: 1.2, fill: "#8a94a0" }]],
  bar_chart: [fill("M4 20 V12 H8 V20 Z", "#2f9e62"), fill("M10 20 V5 H14 V20 Z", "#3b7dd8"), fill("M16 20 V9 H20 V20 Z", "#d5384b")],
  chart_with_upwards_trend: [line("M3 3 V21 H21", "#8a94a0", 2), line("M6 16 L11 11 L14 13.5 L20 6", "#d5384b", 2.4)],
  snowflake: [line("M12 2.5 V21.5 M3.8 7.2 L20.2 16.8 M20.2 7.2 L3.8 16.8", "#4a90d9", 2.2)],
  fire: [fill("M12 2 C14 7 19 9 19 15 a7 7 0 0 1 -14 0 C5 11 8 10 8.5 6 C10 7 11 8 11 9.5 C12 8 12.5 5 12 2 Z", "#ee6a2a"), fill("M12 12 c2 2 3.2 3 3.2 5 a3.2 3.2 0 0 1 -6.4 0 c0-2 2.2-3 3.2-5 Z", "#f9c74f")],
  zap: [fill("M13.5 2 L5 13.5 H11 L9.5 22 L19 9.5 H12.5 Z", "#f2b01e")],
  wrench: [line("M5 19 L13 11", "#6b7682", 4), ["path", { d: "M20.5 7 a5 5 0 1 1 -3.5 -3.5 L14.5 6.5 L17.5 9.5 Z", fill: "#6b7682" }]],
  stop_sign: [fill("M8 2 H16 L22 8 V16 L16 22 H8 L2 16 V8 Z", "#d5384b"), line("M7.5 12 H16.5", "#fff", 3)],
  octagonal_sign: [fill("M8 2 H16 L22 8 V16 L16 22 H8 L2 16 V8 Z", "#d5384b"), line("M7.5 12 H16.5", "#fff", 3)],
  bell: [fill("M5 17 C7 15 6.5 8 12 7 C17.5 8 17 15 19 17 Z", "#f2b01e"), ["circle", { cx: 12, cy: 19.6, r: 2, fill: "#b97f0f" }]],
  link: [line("M10 14 L14 10 M9 11 L6.5 13.5 a3.2 3.2 0 0 0 4.5 4.5 L13 16 M11 8 L13 6 a3.2 3.2 0 0 1 4.5 4.5 L15 13", "#5b6570", 2.2)],
  stopwatch: [["circle", { cx: 12, cy: 13.5, r: 8, fill: "#fff", stroke: "#5b6570", "stroke-width": 2.2 }], line("M12 13.5 V9 M9.5 2.5 H14.5 M12 2.5 V5", "#5b6570", 2)],
  shield: [fill("M12 2 L20 5 V11 C20 16.5 16.5 20.3 12 22 C7.5 20.3 4 16.5 4 11 V5 Z", "#3b7dd8")],
  scissors: [line("M8.5 9.5 L20 19 M8.5 14.5 L20 5", "#6b7682", 2.2), ["circle", { cx: 6, cy: 7.5, r: 2.8, fill: "none", stroke: "#d5384b", "stroke-width": 2 }], ["circle", { cx: 6, cy: 16.5, r: 2.8, fill: "none", stroke: "#d5384b", "stroke-width": 2 }]],
  skull: [fill("M12 2.5 a8.5 8.5 0 0 1 5 15.2 V21 H7 V17.7 A8.5 8.5 0 0 1 12 2.5 Z", "#d7dce2"), ["circle", { cx: 8.8, cy: 11.5, r: 2.2, fill: "#333b44" }], ["circle", { cx: 15.2, cy: 11.5, r: 2.2, fill: "#333b44" }]],
  speech_balloon: [fill("M4 4 H20 a2 2 0 0 1 2 2 V15 a2 2 0 0 1 -2 2 H11 L6 21.5 V17 H4 a2 2 0 0 1 -2 -2 V6 a2 2 0 0 1 2 -2 Z", "#b8cfe6")],
  hand: palm,
  raising_hand: palm,
  memo: [["rect", { x: 4, y: 2.5, width: 16, height: 19, rx: 2, fill: "#fff", stroke: "#5b6570", "stroke-width": 1.8 }], line("M8 8 H16 M8 12 H16 M8 16 H13", "#5b6570", 1.8)],
  scroll: [fill("M6 3 H19 V17 H6 Z", "#f2dcae"), fill("M4 17 H21 a3 3 0 0 1 -3 4 H7 a3 3 0 0 1 -3 -4 Z", "#d9b36c"), line("M9 7 H16 M9 10 H16 M9 13 H14", "#8a5a2b", 1.6)],
  clock3: [["circle", { cx: 12, cy: 12, r: 9, fill: "#fff", stroke: "#5b6570", "stroke-width": 2.2 }], line("M12 6.5 V12 H16.5", "#5b6570", 2)],
  loudspeaker: [horn, line("M20 9 V15", "#6b7682", 2)],
  mute: [horn, line("M4 4 L20 20", "#d5384b")],
  ear: [line("M7 10 a5.2 5.2 0 1 1 9 3.6 C14 15.6 14.6 20.5 11.3 20.5 a3 3 0 0 1 -2.8 -2 M10 10 a2.2 2.2 0 1 1 3.6 1.7", "#a8742e", 2.2)],
};

const CHARACTERS = {
  tada: "🎉", wave: "👋", "+1": "👍", "-1": "👎", thumbsup: "👍", thumbsdown: "👎", rocket: "🚀", bulb: "💡",
  bike: "🚲", bicyclist: "🚴", robot_face: "🤖", hammer_and_wrench: "🛠", pushpin: "📌", recycle: "♻",
  raised_hands: "🙌", clap: "👏", package: "📦", floppy_disk: "💾", satellite_antenna: "📡", boom: "💥", busts_in_silhouette: "👥",
};

export function emoji(name) {
  const shapes = DRAWN[name];
  if (shapes) {
    const drawing = svg("svg", { viewBox: "0 0 24 24", class: "emoji", role: "img", "aria-label": `:${name}:` });
    drawing.append(svg("title"), ...shapes.map(([tag, attributes]) => svg(tag, attributes)));
    drawing.firstChild.textContent = `:${name}:`;
    return drawing;
  }
  if (CHARACTERS[name]) return h("span", { class: "emoji-character", title: `:${name}:` }, CHARACTERS[name]);
  return document.createTextNode(`:${name}:`);
}
