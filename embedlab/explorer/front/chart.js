// All maps of an explorer in one plotly figure: one set of canvases, however many models are laid side by side.
// The text of plotly.js stands before this text and defines `Plotly`.

const SVG_UP_TO = 5000; // a browser draws this many SVG points smoothly, and nicer than WebGL
const FADED = 0.14;
const MARGIN = { left: 8, right: 150, top: 34, bottom: 8, between: 14, title: 24 };

function pointSize(n) {
  const [, size] = [[150, 11], [1000, 9], [3000, 7], [20000, 5], [Infinity, 4]].find(([most]) => n <= most);
  return size;
}

// How many maps stand side by side, by the room there is.
function gridOf(n_panels, width) {
  const columns = Math.max(1, Math.min(n_panels, 3, Math.floor(width / 330)));
  return { columns, rows: Math.ceil(n_panels / columns) };
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function chartOn(root, data, height, tell) {
  const plot = root.appendChild(document.createElement("div"));
  plot.className = "embedlab-plot";
  const gl = data.n * data.panels.length > SVG_UP_TO;
  const size = pointSize(data.n);
  const homes = data.panels.map((panel) => {
    if (data.deep) {
      // Room for every side of it.
      const { x, y, z, middle } = panel.space;
      const reach = 1.08 * (Math.max(...x.map((_, row) => Math.hypot(x[row] - middle[0], y[row] - middle[1], z[row] - middle[2]))) || 1);
      return { x: [-reach, reach], y: [-reach, reach] };
    }
    const [x, y] = [extent(panel.x), extent(panel.y)];
    const pad = 0.06 * Math.max(x[1] - x[0], y[1] - y[0]) || 1;
    return { x: [x[0] - pad, x[1] + pad], y: [y[0] - pad, y[1] + pad] };
  });
  let views = homes.map(() => null); // ranges after a zoom
  let dragmode = data.deep ? "turn" : "lasso";
  let hovered = null;
  let listening = false;
  let given = false; // whether its WebGL context was given back

  function trace(entry, panel, view, first) {
    const { visible, bright, by } = view;
    let rows = visible ? entry.rows.filter((row) => visible[row]) : entry.rows;
    const { x, y, near } = data.panels[panel];
    if (data.deep) rows = [...rows].sort((a, b) => near[a] - near[b]); // who is near is drawn last
    const which = panel ? panel + 1 : "";
    const open = entry.symbol.endsWith("-open");
    const reach = homes[panel].x[1];
    const marker = {
      size: data.deep ? rows.map((row) => size * (1 + (0.55 * near[row]) / reach)) : size,
      symbol: data.kinds ? rows.map((row) => (data.kinds[row] === "text" ? "diamond" : entry.symbol)) : entry.symbol,
      opacity: 0.88,
      color: entry.color,
      line: open ? { width: 1.2 } : { width: gl ? 0 : 0.7, color: "rgba(255,255,255,0.9)" },
    };
    if (entry.values) {
      const { limits, reverse, title, percent } = data.columns[by];
      Object.assign(marker, {
        color: rows.map((row) => entry.values[row]),
        colorscale: "Viridis",
        reversescale: reverse,
        cmin: limits[0],
        cmax: limits[1],
        showscale: first,
        // The light end of the scale needs an edge to be seen on white.
        line: { width: gl ? 0 : 0.7, color: "rgba(40,40,50,0.45)" },
        colorbar: { thickness: 14, len: 0.6, x: 1.02, y: 0.98, yanchor: "top", outlinewidth: 0, tickfont: { size: 12 },
          tickformat: percent ? ".0%" : undefined,
          title: { text: `${escaped(title)}<br>&nbsp;`, side: "top", font: { size: 13 } } },
      });
    }
    return {
      type: gl ? "scattergl" : "scatter",
      mode: "markers",
      x: rows.map((row) => x[row]),
      y: rows.map((row) => y[row]),
      customdata: rows,
      name: escaped(entry.name) || "(empty)",
      legendgroup: entry.name,
      showlegend: first && !entry.values,
      hoverinfo: "none", // what stands under the mouse is drawn by us
      xaxis: `x${which}`,
      yaxis: `y${which}`,
      marker,
      selectedpoints: bright ? rows.flatMap((row, place) => (bright.has(row) ? [place] : [])) : null,
      selected: { marker: { opacity: 1 } },
      unselected: { marker: { opacity: FADED } },
      uirevision: by,
    };
  }

  function layoutOf(view) {
    const width = root.clientWidth;
    const { columns, rows } = gridOf(data.panels.length, width - MARGIN.left - MARGIN.right);
    const alone = data.panels.length === 1;
    const top = MARGIN.top + (alone ? 0 : MARGIN.title);
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height * rows - top - MARGIN.bottom };
    const one = {
      width: (inner.width - MARGIN.between * (columns - 1)) / columns,
      height: (inner.height - (MARGIN.title + MARGIN.between) * (rows - 1)) / rows,
    };
    const numeric = data.columns[view.by].kind === "number";
    const layout = {
      width, height: height * rows, dragmode: dragmode === "turn" ? false : dragmode,
      margin: { l: MARGIN.left, r: MARGIN.right, t: top, b: MARGIN.bottom },
      paper_bgcolor: "#FFFFFF", plot_bgcolor: "#FFFFFF",
      font: { family: "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif", size: 13, color: "#2B2B33" },
      hovermode: "closest",
      legend: { title: { text: numeric ? "" : escaped(data.columns[view.by].title), font: { size: 13, weight: 600 } },
        itemsizing: "constant", font: { size: 13 }, tracegroupgap: 0, x: 1.02, y: numeric ? 0.3 : 1, uirevision: view.by },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "#6A6A74", activecolor: "#2B2B33" },
      uirevision: "map",
      annotations: [],
    };
    data.panels.forEach((panel, i) => {
      const [column, row] = [i % columns, Math.floor(i / columns)];
      const left = column * (one.width + MARGIN.between);
      const above = row * (one.height + MARGIN.title + MARGIN.between);
      const which = i ? i + 1 : "";
      const axis = { showgrid: false, zeroline: false, showticklabels: false, ticks: "", showline: !alone, mirror: true,
        linecolor: "#E2E2E6", constrain: "range" };
      const ranges = views[i] || homes[i];
      layout[`xaxis${which}`] = { ...axis, anchor: `y${which}`, range: [...ranges.x],
        domain: [left / inner.width, Math.min(1, (left + one.width) / inner.width)] };
      layout[`yaxis${which}`] = { ...axis, anchor: `x${which}`, range: [...ranges.y], scaleanchor: `x${which}`,
        domain: [Math.max(0, 1 - (above + one.height) / inner.height), 1 - above / inner.height] };
      if (!alone) {
        layout.annotations.push({ text: `<b>${escaped(panel.name)}</b>`, showarrow: false, xref: "paper", yref: "paper",
          x: left / inner.width, y: 1 - above / inner.height, xanchor: "left", yanchor: "bottom", font: { size: 13 } });
      }
    });
    return layout;
  }

  const home = { name: "home", title: "Whole map", icon: Plotly.Icons.home, click: () => tell.home() };
  const around = { name: "turn", title: "Turn", icon: Plotly.Icons["3d_rotate"], click: () => Plotly.relayout(plot, { dragmode: false }) };
  const config = { displaylogo: false, displayModeBar: true, typesetMath: false, doubleClick: "reset", showTips: false,
    modeBarButtons: [[...(data.deep ? [around] : []), "lasso2d", "select2d", "pan2d", "zoom2d", home]] };

  function panelOf(point) {
    return Number(point.xaxis._id.slice(1) || 1) - 1;
  }
  function axes(panel) {
    const which = panel ? panel + 1 : "";
    return [plot._fullLayout[`xaxis${which}`], plot._fullLayout[`yaxis${which}`]];
  }
  // From the map's units to pixels of the plot, and back.
  function place(panel, x, y) {
    const [across, up] = axes(panel);
    return [across._offset + across.l2p(x), up._offset + up.l2p(y)];
  }
  function unplace(panel, [x, y]) {
    const [across, up] = axes(panel);
    return [across.p2l(x - across._offset), up.p2l(y - up._offset)];
  }
  // What can be seen of one map: neither filtered away nor hidden in the legend.
  function shown(panel) {
    const axis = `x${panel ? panel + 1 : ""}`;
    return plot._fullData.filter((one) => one.xaxis === axis && one.visible === true).flatMap((one) => [...one.customdata]);
  }
  // Who has no mouse has not pointed at anything before.
  function pointAt(panel, [left, top]) {
    const { x, y } = data.panels[panel];
    let [best, least] = [null, 12]; // pixels
    for (const row of shown(panel)) {
      const [px, py] = place(panel, x[row], y[row]);
      const gap = Math.hypot(px - left, py - top);
      if (gap < least) [best, least] = [row, gap];
    }
    return best;
  }
  const lasso = lassoOn(plot, {
    mode: () => dragmode,
    drawing: (panel, outline) => tell.drawing(panel, outline?.map((one) => unplace(panel, one))),
    drawn(panel, outline, how) {
      const points = outline.map((one) => unplace(panel, one));
      tell.drawn(panel, points, inside(data, panel, points, shown(panel)), how);
    },
    turned: (right, down) => tell.turned(right / 150, down / 150), // radians
    click(panel, where) {
      const row = hovered ?? pointAt(panel, where);
      if (row !== null) tell.click(row);
    },
    twice: () => tell.select([]),
  });
  function listen() {
    plot.on("plotly_hover", (event) => {
      const [point] = event.points;
      hovered = point.customdata;
      tell.hover(hovered, panelOf(point), event.event);
    });
    plot.on("plotly_unhover", () => {
      hovered = null;
      tell.leave();
    });
    plot.on("plotly_click", (event) => tell.click(event.points[0].customdata));
    plot.on("plotly_relayout", (change) => {
      if ("dragmode" in change) dragmode = change.dragmode || "turn";
      data.panels.forEach((_, i) => {
        const [x, y] = [`xaxis${i ? i + 1 : ""}`, `yaxis${i ? i + 1 : ""}`];
        if (Object.keys(change).some((key) => key.startsWith(`${x}.range`) || key.startsWith(`${y}.range`))) {
          views[i] = { x: [...plot.layout[x].range], y: [...plot.layout[y].range] };
        }
      });
      tell.moved();
    });
    plot.on("plotly_relayouting", () => tell.moved());
    plot.on("plotly_afterplot", () => tell.moved());
  }

  return {
    plot,
    gl,
    axes,
    place,
    // view: { by, visible: Uint8Array or null, bright: Set of rows or null }
    async draw(view) {
      const traces = data.panels.flatMap((_, panel) =>
        entries(data, view.by, panel).map((entry) => trace(entry, panel, view, panel === 0)));
      await Plotly.react(plot, traces, layoutOf(view), config);
      if (!listening) listen();
      listening = true;
    },
    // Give the WebGL context back; the next drawing takes a new one.
    release() {
      if (!gl || !listening) return;
      const canvases = [...plot.querySelectorAll("canvas.gl-canvas")];
      Plotly.purge(plot);
      // Plotly lets go of them, and the browser keeps them until it tidies up.
      for (const canvas of canvases) canvas.getContext("webgl")?.getExtension("WEBGL_lose_context")?.loseContext();
      plot.dataset.ready = "false";
      [listening, given] = [false, true];
    },
    released: () => given && !listening,
    whole() {
      views = homes.map(() => null);
    },
    remove() {
      lasso.remove();
      Plotly.purge(plot);
    },
  };
}

// Plotly reads a little HTML in every label, and fills in "%{x}".
function escaped(text) {
  const named = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return String(text).replace(/[&<>]/g, (sign) => named[sign]).replaceAll("%{", "%&#123;");
}
