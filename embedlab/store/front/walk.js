// A walk through an HNSW graph, played step by step. All steps are in `scene`: nobody is asked for anything.

const WIDTH = 900, HEIGHT = 470, SIDE = 236, GAP = 12, MARGIN = 14, TOP = 26, PACE = 1300;

function make(name, attributes, parent) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent ? parent.appendChild(node) : node;
}

function element(name, className, parent, text) {
  const node = parent.appendChild(document.createElement(name));
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function starAt(x, y, size) {
  const corner = (i) => [x + Math.sin((i * Math.PI) / 5) * (i % 2 ? size * 0.45 : size),
    y - Math.cos((i * Math.PI) / 5) * (i % 2 ? size * 0.45 : size)];
  return Array.from({ length: 10 }, (_, i) => corner(i).map((v) => v.toFixed(1)).join()).join(" ");
}

const crossAt = (x, y, size) => `M${x - size},${y - size}l${2 * size},${2 * size}M${x + size},${y - size}l${-2 * size},${2 * size}`;

// Where each layer lies: the upper ones at the left, from the top down, and layer 0 large at the right.
function sheets(layers) {
  const upper = layers.slice(0, -1), columns = upper.length > 4 ? 2 : 1;
  const rows = Math.ceil(upper.length / columns), wide = (SIDE - GAP * (columns - 1)) / columns;
  const high = (HEIGHT - GAP * (rows - 1)) / Math.max(rows, 1);
  const left = upper.length ? SIDE + GAP : 0;
  return layers.map((each, i) => i === upper.length
    ? { ...each, x: left, y: 0, width: WIDTH - left, height: HEIGHT, size: 1 }
    : { ...each, x: (i % columns) * (wide + GAP), y: Math.floor(i / columns) * (high + GAP), width: wide, height: high, size: 0.75 });
}

class Sheet {
  constructor(drawing, about, scene) {
    Object.assign(this, about);
    this.scene = scene;
    const frame = { x: this.x + 1, y: this.y + 1, width: this.width - 2, height: this.height - 2, rx: 6 };
    this.frame = make("rect", { class: "sheet", ...frame }, drawing);
    const still = make("g", {}, drawing);
    for (const [a, b] of this.links) this.line(a, b, "link", still);
    for (const row of this.rows) this.dot(row, 2.4, "dot", still);
    this.moving = make("g", {}, drawing);
    this.name = make("text", { x: this.x + 10, y: this.y + 18 }, drawing);
    this.name.textContent = `layer ${this.layer} · ${this.n.toLocaleString("en")} item${this.n === 1 ? "" : "s"}`;
  }
  place(row) {
    const [x, y] = this.scene.places[row];
    return [this.x + MARGIN + x * (this.width - 2 * MARGIN), this.y + TOP + y * (this.height - TOP - MARGIN)];
  }
  line(a, b, className, parent = this.moving) {
    const [x1, y1] = this.place(a), [x2, y2] = this.place(b);
    make("line", { x1, y1, x2, y2, class: className }, parent);
  }
  dot(row, radius, className, parent = this.moving) {
    const [cx, cy] = this.place(row);
    const dot = make("circle", { cx, cy, r: radius * this.size, class: className }, parent);
    if (this.scene.names[row]) make("title", {}, dot).textContent = this.scene.names[row];
  }
  // A true neighbour that was missed.
  cross(row) {
    const [x, y] = this.place(row);
    make("path", { d: crossAt(x, y, 5.5), class: "missed" }, this.moving);
  }
  // What was done on this layer until now.
  show(steps, now) {
    this.moving.replaceChildren();
    for (const part of [this.frame, this.name]) part.classList.toggle("now", now.layer === this.layer);
    const [x, y] = this.place(this.scene.star);
    const mine = steps.filter((step) => step.layer === this.layer);
    for (const step of mine) {
      for (const row of step.looked) this.line(step.row, row, step === now ? "now" : "");
    }
    for (const step of mine) if (step.kind === "move") this.line(step.row, step.best[0], "path");
    const opened = new Set(mine.filter((step) => step.kind !== "enter" && step.kind !== "end").map((step) => step.row));
    const last = mine.at(-1), best = new Set(last ? last.best : []);
    const looked = new Set(mine.flatMap((step) => step.looked));
    for (const row of looked) if (!best.has(row) && !opened.has(row)) this.dot(row, 3.6, "dot looked");
    if (!this.layer) for (const row of best) if (!opened.has(row)) this.dot(row, 4.2, "dot best");
    for (const row of opened) this.dot(row, 4.4, "dot opened");
    if (!this.layer) make("polygon", { points: starAt(x, y, 9), class: "star" }, this.moving);
    const found = last ? last.best.slice(0, this.scene.k) : [];
    if (now.kind === "end" && !this.layer) {
      for (const row of this.scene.exact) if (!found.includes(row)) this.cross(row);
    }
    if (!this.layer) for (const row of found) this.dot(row, 8, "ring");
    if (now.layer === this.layer && now.kind !== "end") this.dot(now.kind === "move" ? now.best[0] : now.row, 8 / this.size ** 0.5, "here");
  }
}

const LEGEND = [["dot", 3, "an item"], ["dot looked", 4, "compared"], ["dot best", 5, "among the ef best"],
  ["dot opened", 5, "opened: its links were followed"], ["here", 6, "the walk stands here"], ["ring", 6, "nearest so far"]];

function legend(root) {
  const line = element("div", "legend", root);
  for (const [className, r, words] of LEGEND) {
    const one = element("span", "", line);
    make("circle", { cx: 8, cy: 8, r, class: className }, one.appendChild(make("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" })));
    one.append(words);
  }
  const star = element("span", "", line);
  make("polygon", { points: starAt(8, 8, 7), class: "star" }, star.appendChild(make("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" })));
  star.append("the query");
  const missed = element("span", "", line);
  make("path", { d: crossAt(8, 8, 4), class: "missed" }, missed.appendChild(make("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" })));
  missed.append("missed, at the end");
}

function walkIn(root, scene) {
  const { steps, n } = scene, last = steps.length - 1;
  const box = element("div", "embedlab-walk", root);
  const head = element("header", "", box);
  element("b", "", head, `HNSW looks for “${scene.query}”`);
  const count = element("span", "count", head);
  const meter = element("meter", "", head);
  Object.assign(meter, { min: 0, max: n, title: "comparisons, beside those of exact search" });
  const drawing = box.appendChild(make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" }));
  drawing.setAttribute("aria-label", `The layers of the graph with the steps of the search; ${scene.n} items`);
  const drawn = sheets(scene.layers).map((about) => new Sheet(drawing, about, scene));
  const words = element("p", "words", box);
  words.setAttribute("aria-live", "polite");
  const controls = element("div", "controls", box);
  const play = element("button", "play", controls);
  const back = element("button", "", controls, "‹");
  const forth = element("button", "", controls, "›");
  for (const [button, label] of [[back, "One step back"], [forth, "One step forth"]]) button.setAttribute("aria-label", label);
  const slider = element("input", "", controls);
  Object.assign(slider, { type: "range", min: 0, max: last, step: 1, value: 0 });
  slider.setAttribute("aria-label", "Step");
  const place = element("span", "count", controls);
  for (const one of [play, back, forth, slider]) one.dataset.lmSuppressShortcuts = "true"; // keys are no commands of JupyterLab
  legend(box);
  element("small", "", box, scene.caution);

  let at = 0, timer = null;
  function show(step) {
    at = Math.min(Math.max(step, 0), last);
    const now = steps[at];
    for (const sheet of drawn) sheet.show(steps.slice(0, at + 1), now);
    count.textContent = `${now.compared} comparisons · exact search: ${n.toLocaleString("en")}`;
    meter.value = now.compared;
    words.textContent = now.words;
    slider.value = at;
    place.textContent = `step ${at + 1} of ${last + 1}`;
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "▶ Play";
  }
  function start() {
    if (at === last) show(0);
    play.textContent = "❚❚ Pause";
    timer = setInterval(() => {
      show(at + 1);
      if (at === last) stop();
    }, PACE);
  }
  play.addEventListener("click", () => (timer === null ? start() : stop()));
  for (const [button, by] of [[back, -1], [forth, 1]]) button.addEventListener("click", () => (stop(), show(at + by)));
  slider.addEventListener("input", () => (stop(), show(Number(slider.value))));
  stop();
  show(0);
  return () => {
    stop();
    box.remove();
  };
}
