// What Python sends, made ready for drawing. Nothing in this file needs a page, so it can be tested without one.
//
// payload: { ids, titles, labels, kinds, media, panels: [{ name, x, y, neighbors, scores, … }],
//            columns: { name: { kind: "classes", codes, groups } or { kind: "number", values, limits, reverse } },
//            table: { column: [text or null, …] } }
// Items are known by their row, from 0; an id is only for people and for Python.

function decode(payload) {
  const rowOf = new Map(payload.ids.map((id, row) => [id, row]));
  const data = { ...payload, n: payload.ids.length, rowOf, deep: Boolean(payload.panels[0].z), side: { yaw: 0.5, pitch: 0.3 } };
  if (data.deep) {
    for (const panel of data.panels) {
      const { x, y, z } = panel;
      const middle = [x, y, z].map((values) => values.reduce((sum, value) => sum + value, 0) / data.n);
      panel.space = { x, y, z, middle };
    }
    turn(data, 0, 0);
  }
  return data;
}

// Where a place of a map is on the screen's plane, in the map's units; a space is seen from one side. The third
// number is how near it is to the eye.
function flat(data, panel, place) {
  if (!data.deep) return place;
  const { yaw, pitch } = data.side;
  const [x, y, z] = place.map((value, i) => value - data.panels[panel].space.middle[i]);
  const away = z * Math.cos(yaw) - x * Math.sin(yaw);
  return [x * Math.cos(yaw) + z * Math.sin(yaw), y * Math.cos(pitch) - away * Math.sin(pitch),
    y * Math.sin(pitch) + away * Math.cos(pitch)];
}

// Look at a space from another side: all maps turn together.
function turn(data, yaw, pitch) {
  data.side = { yaw: data.side.yaw + yaw, pitch: Math.max(-1.5, Math.min(1.5, data.side.pitch + pitch)) };
  data.panels.forEach((panel, i) => {
    const { x, y, z } = panel.space;
    const places = x.map((_, row) => flat(data, i, [x[row], y[row], z[row]]));
    panel.x = places.map(([one]) => one);
    panel.y = places.map(([, one]) => one);
    panel.near = places.map(([, , one]) => one);
  });
}

// The rows of each legend entry, in order: [{ name, color, symbol, rows }]. A number has one entry, `values`
// beside it, and one more for rows without a number.
function entries(data, by, panel = 0) {
  const column = data.columns[by];
  if (column.kind === "classes") {
    const groups = column.groups.map((group) => ({ ...group, rows: [] }));
    column.codes.forEach((code, row) => groups[code].rows.push(row));
    return groups;
  }
  const values = column.perPanel ? column.perPanel[panel] : column.values;
  const known = [];
  const missing = [];
  values.forEach((value, row) => (value === null ? missing : known).push(row));
  const groups = [{ name: column.title, color: null, symbol: "circle", rows: known, values }];
  if (missing.length) groups.push({ name: "(none)", color: "#BBBBBB", symbol: "circle", rows: missing });
  return groups;
}

// Rows whose id, title, label or metadata contain all the words; every row when nothing is asked.
function matching(data, text) {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const texts = [data.ids, data.titles, data.labels || [], ...Object.values(data.table || {})];
  const rows = [];
  for (let row = 0; row < data.n; row += 1) {
    const line = texts.map((column) => column[row] ?? "").join("\n").toLocaleLowerCase();
    if (words.every((word) => line.includes(word))) rows.push(row);
  }
  return rows;
}

// Rows that pass a filter: { column, names } for classes, { column, low, high } for numbers; null for all.
function passing(data, filter) {
  if (!filter) return null;
  const column = data.columns[filter.column];
  const pass = new Uint8Array(data.n);
  if (column.kind === "classes") {
    const wanted = new Set(filter.names);
    column.codes.forEach((code, row) => (pass[row] = wanted.has(column.groups[code].name) ? 1 : 0));
  } else {
    const values = column.values || column.perPanel[0];
    values.forEach((value, row) => {
      pass[row] = value !== null && value >= filter.low && value <= filter.high ? 1 : 0;
    });
  }
  return pass;
}

// Of the neighbours that each panel draws for a row: those in all panels, and each panel's own.
function neighborsOf(data, row, k) {
  const lists = data.panels.map((panel) => (panel.neighbors ? panel.neighbors[row].slice(0, k) : []));
  const shared = new Set((lists[0] || []).filter((one) => lists.every((list) => list.includes(one))));
  return { lists, shared: lists.length > 1 ? shared : new Set() };
}

// A table as text for a spreadsheet. A cell that begins like a formula gets an apostrophe, so that no
// spreadsheet runs what a stranger wrote into a label.
function csv(data, rows) {
  const columns = { id: data.ids, ...(data.labels ? { label: data.labels } : {}), title: data.titles, ...data.table };
  const cell = (value) => {
    const text = String(value ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = [Object.keys(columns).map(cell).join(",")];
  for (const row of rows) lines.push(Object.values(columns).map((column) => cell(column[row])).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

// Those of `rows` that lie inside an outline on one map, [[x, y], …] in the map's units (even-odd rule).
function inside(data, panel, outline, rows) {
  const { x, y } = data.panels[panel];
  const xs = outline.map(([one]) => one);
  const ys = outline.map(([, one]) => one);
  const box = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return rows.filter((row) => {
    if (x[row] < box[0] || x[row] > box[1] || y[row] < box[2] || y[row] > box[3]) return false;
    let within = false;
    for (let i = 0, j = outline.length - 1; i < outline.length; j = i, i += 1) {
      const crosses = ys[i] > y[row] !== ys[j] > y[row];
      if (crosses && x[row] < ((xs[j] - xs[i]) * (y[row] - ys[i])) / (ys[j] - ys[i]) + xs[i]) within = !within;
    }
    return within;
  });
}

// The nearest item in a direction, for the arrow keys: within 45° of it, near beats straight.
function step(data, panel, from, direction, visible) {
  const { x, y } = data.panels[panel];
  const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[direction];
  let best = null;
  let least = Infinity;
  for (let row = 0; row < data.n; row += 1) {
    if (row === from || (visible && !visible[row])) continue;
    const along = (x[row] - x[from]) * dx + (y[row] - y[from]) * dy;
    const across = Math.abs((x[row] - x[from]) * dy) + Math.abs((y[row] - y[from]) * dx);
    if (along <= 0 || across > along) continue;
    const cost = along + 2 * across;
    if (cost < least) [least, best] = [cost, row];
  }
  return best;
}

// Viridis in nine steps, for the dots of the lists: the map itself is coloured by plotly.
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#fde725"];
function shade({ limits, reverse }, value) {
  if (value === null) return "#BBBBBB";
  const share = limits[1] > limits[0] ? (value - limits[0]) / (limits[1] - limits[0]) : 0.5;
  const place = Math.min(1, Math.max(0, reverse ? 1 - share : share));
  return VIRIDIS[Math.round(place * (VIRIDIS.length - 1))];
}
