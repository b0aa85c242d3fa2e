// The explorer in a page: draws a state, changes it at once when a person acts, and tells whoever holds the truth
// (Python in a live notebook, nobody in an exported page).
//
// source: { item(row), thumb(row), media(row): promises; search(text): changes the state; tell(action, argument) }

const DRAWS = "embedlab-draws"; // an event of the page: an explorer has drawn with WebGL
const RING = { chosen: 5.5, near: 4, shared: 4, hit: 4, echo: 6 }; // pixels beyond the point's own radius

function explorerIn(root, payload, height, source) {
  const data = decode(payload);
  const several = data.panels.length > 1;
  let state = { by: payload.by, clicked: null, selected: [], hits: [], query: "", landing: [], k: payload.k, filter: null,
    notice: null, names: false, torn: false, list: null };
  let starts = false; // the next item shown was chosen by a person, so its sound begins
  let hovered = null;
  let outline = null; // of the lasso
  let turning = false;
  let far = null; // the neighbours of one item, where there are too many items to know those of all

  // -- what stands where ---------------------------------------------------------------------------------------
  root.classList.add("embedlab-explorer");
  root.classList.toggle("embedlab-several", several);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", payload.title);
  const bar = root.appendChild(element("div", { class: "embedlab-bar" }));
  const body = root.appendChild(element("div", { class: "embedlab-body" }));
  const map = body.appendChild(element("div", { class: "embedlab-map", tabindex: "0", role: "application",
    "aria-label": "Map. Arrow keys go from point to point, Escape clears." }));
  const panel = body.appendChild(element("div", { class: "embedlab-panel", tabindex: "-1", "aria-label": "Details" }));
  const spoken = root.appendChild(element("div", { class: "embedlab-spoken", "aria-live": "polite" }));
  root.append(...payload.panels.map(badge));
  panel.style.maxHeight = several ? "340px" : `${height + 2}px`;

  const search = element("input", { type: "search", placeholder: payload.search.placeholder, "aria-label": payload.search.placeholder,
    class: "embedlab-search" });
  search.disabled = !payload.search.possible;
  const colors = element("select", { "aria-label": "Colour by" });
  function offer() {
    colors.replaceChildren(...Object.keys(data.columns).map((name) => element("option", { value: name }, name)));
    colors.value = state.by;
  }
  offer();
  const clear = element("button", { type: "button", class: "embedlab-button", title: "Forget query, choice and selection" }, "Clear");
  bar.append(search, element("label", {}, "Colour by ", colors), clear);
  const tools = root.insertBefore(element("div", { class: "embedlab-bar embedlab-toolbar" }), body);
  const names = toggle("Names of clusters", "names", "Islands of the map, named after what is in them");
  const torn = toggle("Torn neighbours", "torn", "Lines from the chosen item to true neighbours that are far away on the map");
  const lists = element("select", { "aria-label": "Show a list" }, element("option", { value: "" }, "Lists …"));
  payload.lists.forEach(({ title }, i) => lists.append(element("option", { value: i }, title)));
  lists.addEventListener("change", () => set({ list: lists.value === "" ? null : Number(lists.value) }));
  const only = filterIn(data, (filter) => set({ filter }));
  tools.append(names, torn, lists, only.node);
  search.addEventListener("keydown", (event) => event.key === "Enter" && source.search(search.value, api));
  colors.addEventListener("change", () => act({ by: colors.value }, "color", colors.value));
  clear.addEventListener("click", () => act({ clicked: null, selected: [], hits: [], query: "", landing: [], filter: null, list: null }, "clear"));

  function toggle(words, name, title) {
    const node = element("button", { type: "button", class: "embedlab-button", "aria-pressed": "false", title }, words);
    node.addEventListener("click", () => set({ [name]: !state[name] }));
    return node;
  }
  function badge(one) {
    const node = element("div", { class: "embedlab-badge" });
    const verdict = element("div", {}, element("span", { class: `embedlab-dot embedlab-${one.grade}` }),
      element("b", {}, several ? `${one.name}: ${one.verdict}` : one.verdict));
    node.append(verdict, element("div", {}, one.caption));
    if (one.honest) node.append(element("div", {}, one.honest));
    return node;
  }

  // -- acting --------------------------------------------------------------------------------------------------
  // The change is drawn at once; `action` is told to whoever keeps the state.
  function act(change, action, argument) {
    set({ notice: null, ...change });
    if (action) source.tell(action, argument);
  }
  const tell = {
    click(row) {
      starts = true;
      act({ clicked: row }, "click", data.ids[row]);
    },
    select(rows) {
      if (rows.length || state.selected.length) act({ selected: rows }, "select", rows.map((row) => data.ids[row]));
    },
    turned(yaw, pitch) {
      turn(data, yaw, pitch);
      if (turning) return; // the drawing that is under way is followed by one more
      turning = true;
      redraw().then(() => redraw()).then(() => (turning = false));
    },
    drawing(panel, points) {
      outline = points ? { panel, points } : null;
      hovered = null;
      card.hide();
      overlay.draw();
    },
    drawn(panel, points, rows, how) {
      const chosen = new Set(how === "new" ? [] : state.selected);
      for (const row of rows) chosen[how === "take" ? "delete" : "add"](row);
      tell.select([...chosen].sort((a, b) => a - b));
      outline = { panel, points };
      overlay.draw();
    },
    home() {
      chart.whole();
      redraw();
    },
    moved: () => overlay.draw(),
    hover(row, onPanel, event) {
      hovered = row;
      card.show(row, event);
      overlay.draw();
    },
    leave() {
      hovered = null;
      card.hide();
      overlay.draw();
    },
    forSelection(rows) {
      const save = element("button", { type: "button", class: "embedlab-button" }, "Save as CSV");
      save.addEventListener("click", () => {
        const link = element("a", { download: "selection.csv" });
        link.href = URL.createObjectURL(new Blob([csv(data, rows)], { type: "text/csv" }));
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      });
      return [element("div", { class: "embedlab-tools" }, save, ...(source.tools?.(rows) || []))];
    },
    help: () => payload.help,
  };

  // -- drawing -------------------------------------------------------------------------------------------------
  const chart = chartOn(map, data, height, tell);
  const overlay = overlayOn(chart, data.panels.length, marks);
  const card = cardOn(map, data, source);
  const player = mediaPlayer(source, (what, error) => source.tell("error", { what, text: String(error) }));
  const detail = detailIn(panel, data, source, tell);
  const radius = pointSize(data.n) / 2;

  function near() {
    if (state.clicked === null) return { lists: data.panels.map(() => []), shared: new Set() };
    if (far?.row === state.clicked) return far;
    const { lists, shared } = neighborsOf(data, state.clicked, state.k);
    const scored = lists.map((list, i) => list.map((row, place) => ({ row, score: data.panels[i].scores?.[state.clicked][place] })));
    return { lists: scored, shared };
  }
  function marks(on) {
    const { x, y, torn } = data.panels[on];
    const visible = passing(data, state.filter);
    const there = (row) => !visible || visible[row];
    const ring = (row, role) => ({ kind: "ring", row, x: x[row], y: y[row], r: radius + RING[role], role: `embedlab-${role}` });
    const found = outline?.panel === on ? [{ kind: "outline", points: outline.points }] : [];
    if (state.clicked !== null) {
      const { lists, shared } = near();
      if (state.torn && torn) {
        for (const row of torn[state.clicked].filter(there)) {
          found.push({ kind: "line", x: x[state.clicked], y: y[state.clicked], to: [x[row], y[row]], role: "embedlab-torn" });
        }
      }
      found.push(...lists[on].filter(({ row }) => there(row)).map(({ row }) => ring(row, shared.has(row) ? "shared" : "near")));
    }
    found.push(...state.hits.filter(({ row }) => there(row)).map(({ row }) => ring(row, "hit")));
    if (state.clicked !== null) found.push(ring(state.clicked, "chosen"));
    const at = (place) => ({ x: flat(data, on, place)[0], y: flat(data, on, place)[1] });
    if (state.landing[on]) found.push({ kind: "star", ...at(state.landing[on]), role: "embedlab-landing" });
    if (hovered !== null) found.push(ring(hovered, "echo"));
    if (state.names) for (const { name, place } of data.panels[on].clusters || []) found.push({ kind: "name", text: name, ...at(place) });
    return found;
  }

  let colorsOf = null; // row → colour, for the lists
  function colorOf(row) {
    if (!colorsOf) {
      colorsOf = new Array(data.n).fill("#999999");
      for (const entry of entries(data, state.by)) {
        for (const one of entry.rows) colorsOf[one] = entry.values ? shade(data.columns[state.by], entry.values[one]) : entry.color;
      }
    }
    return colorsOf[row];
  }

  // One drawing after the other: two at once would mix their traces.
  let queue = Promise.resolve();
  let waiting = 0;
  function redraw() {
    waiting += 1;
    chart.plot.dataset.ready = "false";
    queue = queue.then(async () => {
      if (!map.clientWidth) return; // hidden: the watcher calls again when there is room
      const lit = state.selected.length ? state.selected : state.hits.map(({ row }) => row);
      await chart.draw({ by: state.by, visible: passing(data, state.filter), bright: lit.length ? new Set(lit) : null });
      overlay.draw();
      if (chart.gl) document.dispatchEvent(new CustomEvent(DRAWS, { detail: map }));
    }).catch((error) => source.tell("error", { what: "draw the map", text: String(error) })).then(() => {
      waiting -= 1;
      chart.plot.dataset.ready = String(waiting === 0 && map.clientWidth > 0);
    });
    return queue;
  }
  function set(change) {
    const before = state;
    state = { ...state, ...change };
    if (before.by !== state.by) colorsOf = null;
    if (!same(before.selected, state.selected)) outline = null;
    colors.value = state.by;
    names.setAttribute("aria-pressed", state.names);
    torn.setAttribute("aria-pressed", state.torn);
    lists.value = state.list ?? "";
    only.show(state.filter);
    if (document.activeElement !== search) search.value = state.query;
    const heavy = ["by", "selected", "hits", "filter"];
    if (heavy.some((name) => !same(before[name], state[name]))) redraw();
    else overlay.draw();
    detail.draw({ ...state, list: state.list === null ? null : payload.lists[state.list], neighbors: near(), hitMeasure: payload.search.measure, colorOf, starts }, player);
    starts = false;
    if (state.clicked !== null && !data.panels[0].neighbors && far?.row !== state.clicked) askNear(state.clicked);
    if (state.clicked !== null && state.clicked !== before.clicked) spoken.textContent = `${data.labels?.[state.clicked] ?? ""} ${data.titles[state.clicked]}`;
  }

  async function askNear(row) {
    const lists = await source.near?.(row);
    if (!lists) return;
    const [first, ...others] = lists.map((list) => new Set(list.map((one) => one.row)));
    const shared = others.length ? [...first].filter((one) => others.every((rows) => rows.has(one))) : [];
    far = { row, lists, shared: new Set(shared) };
    if (state.clicked === row) set({});
  }

  // -- keyboard ------------------------------------------------------------------------------------------------
  map.addEventListener("pointerdown", () => map.focus({ preventScroll: true }));
  map.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return clear.click();
    if (!event.key.startsWith("Arrow")) return undefined;
    event.preventDefault();
    if (event.shiftKey && data.deep) {
      const [yaw, pitch] = { ArrowRight: [0.15, 0], ArrowLeft: [-0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
      return tell.turned(yaw, pitch);
    }
    const visible = passing(data, state.filter);
    const row = state.clicked === null ? 0 : step(data, 0, state.clicked, event.key, visible);
    return row === null ? undefined : tell.click(row);
  });

  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (map.clientWidth === width) return;
    width = map.clientWidth;
    redraw();
  });
  watcher.observe(map);

  // A browser keeps about sixteen WebGL contexts, takes the oldest away, and its points vanish: whoever draws with
  // one asks the others for theirs, and they give it when they are out of sight.
  let inSight = true;
  const sight = new IntersectionObserver(([entry]) => {
    inSight = entry.isIntersecting;
    if (inSight && chart.released()) redraw();
  }, { rootMargin: "200px" });
  sight.observe(map);
  const giveBack = (event) => event.detail !== map && !inSight && chart.release();
  document.addEventListener(DRAWS, giveBack);
  const api = { data, set, state: () => state };
  root.embedlab = api; // for whoever looks at the page from outside
  set({});
  // A column that comes, changes or goes while people look: the tags.
  function column(name, given) {
    if (given) data.columns[name] = given;
    else if (!(name in data.columns)) return;
    else delete data.columns[name];
    colorsOf = null;
    offer();
    only.offer();
    if (state.by === name && given) redraw();
    if (!(state.by in data.columns)) set({ by: "none" });
    if (state.filter && !(state.filter.column in data.columns)) set({ filter: null });
  }
  return { ...api, column, remove() {
    watcher.disconnect();
    sight.disconnect();
    document.removeEventListener(DRAWS, giveBack);
    player.remove();
    detail.remove();
    overlay.remove();
    queue.then(() => chart.remove());
  } };
}

function same(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
