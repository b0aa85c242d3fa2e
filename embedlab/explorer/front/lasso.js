// Drawing around points, and turning a space. Plotly's own lasso draws every point anew at each step of the mouse: a third of a second a
// step with 100,000 points and no graphics card. Here a line is drawn, and the points once, at the end.

const A_CLICK = 5; // pixels: who moves less wants to click

// ask: { mode() → "lasso", "select", "turn" or another tool; drawing(panel, outline or null); drawn(panel, outline, how);
//        turned(dx, dy); click(panel, place); twice() }. Places are [x, y] in pixels of the plot, outlines lists of them.
function lassoOn(plot, ask) {
  let drag = null; // { panel, from, places }

  const placeOf = (event) => {
    const frame = plot.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  const ours = (event) => ["lasso", "select", "turn"].includes(ask.mode()) && event.target.classList?.contains("nsewdrag");
  const far = ({ from, places }) => places.some(([x, y]) => Math.hypot(x - from[0], y - from[1]) > A_CLICK);
  const outline = ({ from, places }) => {
    if (ask.mode() === "lasso") return [from, ...places];
    const [x, y] = places.at(-1) || from;
    return [from, [x, from[1]], [x, y], [from[0], y]];
  };

  function begin(event) {
    if (!ours(event) || event.button !== 0) return;
    const [, panel] = event.target.dataset.subplot.match(/^x(\d*)y/);
    drag = { panel: Number(panel || 1) - 1, from: placeOf(event), places: [] };
    event.preventDefault();
  }
  function go(event) {
    if (!drag) return;
    const place = placeOf(event);
    const [x, y] = drag.places.at(-1) || drag.from;
    if (Math.hypot(place[0] - x, place[1] - y) < 2) return;
    drag.places.push(place);
    if (ask.mode() === "turn") ask.turned(place[0] - x, place[1] - y);
    else if (far(drag)) ask.drawing(drag.panel, outline(drag));
  }
  function end(event) {
    if (!drag) return;
    const done = drag;
    drag = null;
    ask.drawing(done.panel, null);
    if (event.type === "pointercancel" || (ask.mode() === "turn" && far(done))) return;
    const how = event.shiftKey ? "add" : event.altKey ? "take" : "new";
    if (far(done)) ask.drawn(done.panel, outline(done), how);
    else ask.click(done.panel, done.from);
  }
  // What is ours does not reach plotly: neither the drag, nor a hover beside it.
  const keep = (event) => (drag || (event.type !== "mousemove" && ours(event))) && event.stopImmediatePropagation();
  const twice = (event) => ours(event) && ask.twice();
  const listeners = [[plot, "pointerdown", begin], [plot, "mousedown", keep], [plot, "touchstart", keep], [window, "mousemove", keep],
    [window, "pointermove", go], [window, "pointerup", end], [window, "pointercancel", end], [plot, "dblclick", twice]];
  for (const [node, name, listener] of listeners) node.addEventListener(name, listener, true);
  return { remove: () => listeners.forEach(([node, name, listener]) => node.removeEventListener(name, listener, true)) };
}
