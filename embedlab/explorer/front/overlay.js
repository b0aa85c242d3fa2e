// Rings, lines and names above the map, in an SVG of our own. A click or a hover changes this layer alone, and
// plotly has nothing to draw anew: that is what makes them immediate on a map of 100,000 points.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.appendChild(node);
  return node;
}

// marks(panel): [{ kind: "ring" | "star" | "line" | "name", x, y, … } or { kind: "outline", points }], in the map's units.
function overlayOn({ plot, axes, place }, n_panels, marks) {
  const layer = svg("svg", { class: "embedlab-overlay", "aria-hidden": "true" });
  plot.after(layer);
  const unique = `embedlab-${Math.random().toString(36).slice(2)}`;

  function draw() {
    if (!plot._fullLayout?.xaxis) return;
    layer.replaceChildren();
    layer.setAttribute("width", plot._fullLayout.width);
    layer.setAttribute("height", plot._fullLayout.height);
    for (let panel = 0; panel < n_panels; panel += 1) {
      const [across, up] = axes(panel);
      const frame = { x: across._offset, y: up._offset, width: across._length, height: up._length };
      const clip = svg("clipPath", { id: `${unique}-${panel}` }, svg("defs", {}, layer));
      svg("rect", frame, clip);
      const group = svg("g", { "clip-path": `url(#${unique}-${panel})`, "data-panel": panel }, layer);
      const boxes = [];
      for (const mark of marks(panel)) {
        if (mark.kind === "outline") {
          const points = mark.points.map(([x, y]) => place(panel, x, y).join(",")).join(" ");
          svg("polygon", { points, class: "embedlab-mark embedlab-outline" }, group);
          continue;
        }
        const [x, y] = place(panel, mark.x, mark.y);
        if (mark.kind === "line") {
          const [x2, y2] = place(panel, mark.to[0], mark.to[1]);
          svg("line", { x1: x, y1: y, x2, y2, class: `embedlab-mark embedlab-line ${mark.role}` }, group);
        } else if (mark.kind === "star") {
          const points = Array.from({ length: 10 }, (_, i) => {
            const radius = i % 2 ? 4 : 9.5;
            return `${x + radius * Math.sin((i * Math.PI) / 5)},${y - radius * Math.cos((i * Math.PI) / 5)}`;
          });
          svg("polygon", { points: points.join(" "), class: `embedlab-mark ${mark.role}` }, group);
        } else if (mark.kind === "name") {
          // A name that would lie over another is left out; the largest clusters come first.
          const width = 6.6 * mark.text.length + 10;
          const box = [x - width / 2, y - 9, x + width / 2, y + 9];
          const hit = boxes.some((b) => box[0] < b[2] && b[0] < box[2] && box[1] < b[3] && b[1] < box[3]);
          if (hit) continue;
          boxes.push(box);
          const text = svg("text", { x, y: y + 4, class: "embedlab-mark embedlab-name" }, group);
          text.textContent = mark.text;
        } else {
          svg("circle", { cx: x, cy: y, r: mark.r, class: `embedlab-mark ${mark.role}`, "data-row": mark.row ?? "" }, group);
        }
      }
    }
  }
  return { draw, remove: () => layer.remove() };
}
