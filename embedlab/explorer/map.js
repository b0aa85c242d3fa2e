// Draws the figure that Python describes and reports which items the user pointed at, by id.
// The text of plotly.js stands before this text and defines `Plotly`.

// The figure to draw: the points (faded, selected) below, the rings on top.
function tracesOf(base, state) {
  const selected = new Set(state.selected || []);
  const points = base.data.map((trace) => {
    // null: all points as they are; a list, even an empty one, fades every other point of the trace.
    const bright = trace.customdata.flatMap((id, place) => (selected.has(id) ? [place] : []));
    return { ...trace, selectedpoints: selected.size || state.faded ? bright : null };
  });
  return points.concat(state.overlay || []);
}

// Ids of the points of an event; the rings on top are not items.
function idsOf(event) {
  return (event && event.points ? event.points : [])
    .filter((point) => point.data.meta === "points")
    .map((point) => point.customdata);
}

// A card beside the mouse with the picture of the item below it. Python sends a picture when asked for its id.
function pictureCard(model, el) {
  const MOST = 400;
  const known = new Map(); // id -> address of the picture, the oldest first
  let wanted; // the id below the mouse; a picture that comes late, for another id, is only kept
  const card = document.createElement("div");
  card.className = "embedlab-card";
  const image = card.appendChild(document.createElement("img"));
  const words = card.appendChild(document.createElement("div"));
  el.appendChild(card);

  function picture(id) {
    image.style.display = known.get(id) === null ? "none" : "block"; // a text among pictures has none
    if (known.get(id) === null) return;
    if (known.has(id)) {
      image.src = known.get(id);
      image.dataset.picture = id;
      return;
    }
    image.removeAttribute("src");
    delete image.dataset.picture;
    model.send({ type: "thumbnail", id });
  }
  function arrived(message, buffers) {
    if (message.type !== "thumbnail") return;
    if (!known.has(message.id)) {
      const [jpeg] = buffers || [];
      known.set(message.id, jpeg ? URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" })) : null);
    }
    if (known.size > MOST) {
      const [oldest, address] = known.entries().next().value;
      if (address) URL.revokeObjectURL(address);
      known.delete(oldest);
    }
    if (message.id === wanted) picture(wanted);
  }
  model.on("msg:custom", arrived);

  return {
    show(event) {
      const point = (event.points || []).find((p) => p.data.meta === "points" && p.data.hoverinfo === "none");
      if (!point) return;
      wanted = point.customdata;
      card.dataset.item = wanted;
      words.innerHTML = point.data.hovertext[point.pointNumber]; // escaped by Python
      picture(wanted);
      card.style.display = "block";
      const frame = el.getBoundingClientRect();
      const at = { x: event.event.clientX - frame.left, y: event.event.clientY - frame.top };
      const flips = at.x + 16 + card.offsetWidth > frame.width;
      card.style.left = `${flips ? at.x - 16 - card.offsetWidth : at.x + 16}px`;
      card.style.top = `${Math.max(4, Math.min(at.y - 40, frame.height - card.offsetHeight - 4))}px`;
    },
    hide() {
      wanted = undefined;
      card.style.display = "none";
    },
    remove() {
      model.off("msg:custom", arrived);
      known.forEach((address) => address && URL.revokeObjectURL(address));
    },
  };
}

function render({ model, el }) {
  el.classList.add("embedlab-map");
  const plot = document.createElement("div");
  el.appendChild(plot);

  // What the user did to the picture, kept from one drawing to the next.
  let view = null; // {x, y}: the ranges after a zoom; null = the whole map
  let selections = []; // outlines of the lasso or the box
  let dragmode = null;
  let drawings = 0;
  let listening = false;

  const home = {
    name: "home",
    title: "Whole map",
    icon: Plotly.Icons.home,
    click: () => {
      view = null;
      redraw();
    },
  };
  const config = {
    displaylogo: false,
    displayModeBar: true,
    modeBarButtons: [["lasso2d", "select2d", "pan2d", "zoom2d", home]],
    typesetMath: false,
    doubleClick: "reset",
    showTips: false,
  };

  function layoutOf(base, state) {
    if (!(state.selected || []).length) selections = [];
    const layout = { ...base.layout, selections, dragmode: dragmode || base.layout.dragmode };
    // Ranges are ours to keep: plotly's own memory compares them before the equal scale has widened them.
    drawings += 1;
    layout.xaxis = { ...layout.xaxis, uirevision: drawings, range: [...(view?.x || layout.xaxis.range)] };
    layout.yaxis = { ...layout.yaxis, uirevision: drawings, range: [...(view?.y || layout.yaxis.range)] };
    return layout;
  }

  const card = pictureCard(model, el);

  function listen() {
    plot.on("plotly_hover", (event) => card.show(event));
    plot.on("plotly_unhover", () => card.hide());
    plot.on("plotly_click", (event) => {
      const [id] = idsOf(event);
      if (id !== undefined) model.send({ type: "click", id });
    });
    plot.on("plotly_selected", (event) => {
      if (!event) return;
      selections = plot.layout.selections;
      model.send({ type: "select", ids: idsOf(event) });
    });
    plot.on("plotly_deselect", () => {
      selections = [];
      model.send({ type: "select", ids: [] });
      redraw(); // plotly has just lit all points, also those that a query had faded
    });
    plot.on("plotly_relayout", (change) => {
      if (change.dragmode) dragmode = change.dragmode;
      if (!Object.keys(change).some((key) => /^[xy]axis\.range/.test(key))) return;
      view = { x: [...plot.layout.xaxis.range], y: [...plot.layout.yaxis.range] };
    });
  }

  async function draw() {
    card.hide();
    const base = JSON.parse(model.get("base") || "null");
    const state = JSON.parse(model.get("state") || "{}");
    if (!base || !el.clientWidth) return; // hidden: the watcher calls again when there is room
    const width = { width: el.clientWidth };
    await Plotly.react(plot, tracesOf(base, state), { ...layoutOf(base, state), ...width }, config);
    if (!listening) listen();
    listening = true;
  }

  // One drawing after the other: two at once would mix their traces.
  let queue = Promise.resolve();
  let waiting = 0;
  const failed = (error) => model.send({ type: "error", what: "draw the map", text: String(error) });
  const redraw = () => {
    waiting += 1;
    plot.dataset.ready = "false";
    queue = queue.then(draw).catch(failed).then(() => {
      waiting -= 1;
      plot.dataset.ready = String(listening && waiting === 0);
    });
  };
  model.on("change:base", redraw);
  model.on("change:state", redraw);
  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (el.clientWidth === width) return;
    width = el.clientWidth;
    redraw();
  });
  watcher.observe(el);
  return () => {
    watcher.disconnect();
    card.remove();
    model.off("change:base", redraw);
    model.off("change:state", redraw);
    queue.then(() => Plotly.purge(plot));
  };
}

export default { render };
