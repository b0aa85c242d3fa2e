// Choosing which items are on the map: classes of a column, or a range of a number; a slider plays through them.

const PACE = 900; // milliseconds

function filterIn(data, changed) {
  const node = element("span", { class: "embedlab-filter" });
  const columns = element("select", { "aria-label": "Filter by" });
  const rest = element("span", { class: "embedlab-filter" });
  let shown = null; // the filter that the controls show
  function offer() {
    const names = Object.keys(data.columns).filter((name) => data.columns[name].groups?.length !== 1);
    columns.replaceChildren(element("option", { value: "" }, "All items"), ...names.map((name) => element("option", { value: name }, `Only by ${name} …`)));
    columns.value = shown ? shown.column : "";
  }
  offer();
  node.append(columns, rest);
  columns.addEventListener("change", () => {
    if (!columns.value) return changed(null);
    const column = data.columns[columns.value];
    if (column.kind === "classes") return changed({ column: columns.value, names: [column.groups[0].name] });
    return changed({ column: columns.value, low: column.limits[0], high: column.limits[1] });
  });

  function classes(filter) {
    const choice = element("select", { "aria-label": `Which ${filter.column}` });
    const { groups } = data.columns[filter.column];
    for (const { name } of groups) choice.append(element("option", { value: name }, short(name, 40)));
    [choice.value] = filter.names;
    const choose = (value) => changed({ ...filter, names: [value] });
    choice.addEventListener("change", () => choose(choice.value));
    const all = groups.map(({ name }) => name);
    const slider = range(0, all.length - 1, 1, all.indexOf(filter.names[0]), `Go through ${filter.column}`, (place) => choose(all[place]));
    return [choice, slider, runner(() => choose(all[(all.indexOf(shown.names[0]) + 1) % all.length]))];
  }
  function numbers(filter) {
    const [low, high] = data.columns[filter.column].limits;
    const step = (high - low) / 100 || 1;
    const words = element("output", {}, `${round(filter.low)} to ${round(filter.high)}`);
    const from = range(low, high, step, filter.low, "Least", (value) => changed({ ...filter, low: value, high: Math.max(value, filter.high) }));
    const to = range(low, high, step, filter.high, "Most", (value) => changed({ ...filter, high: value, low: Math.min(value, filter.low) }));
    // A window of a fifth of the range goes through it, and begins again.
    const width = (high - low) / 5;
    const next = () => {
      const start = shown.high >= high || shown.high - shown.low > 1.01 * width ? low : shown.low + width / 4;
      changed({ ...shown, low: start, high: Math.min(high, start + width) });
    };
    return [from, to, words, runner(next)];
  }
  // A button that takes one step after the other until it is pressed again, or the filter is taken away.
  function runner(next) {
    const button = element("button", { type: "button", class: "embedlab-button", "aria-pressed": "false" }, "Play");
    let timer = null;
    const halt = () => {
      clearInterval(timer);
      timer = null;
      button.setAttribute("aria-pressed", "false");
      button.textContent = "Play";
    };
    button.addEventListener("click", () => {
      if (timer) return halt();
      button.setAttribute("aria-pressed", "true");
      button.textContent = "Pause";
      timer = setInterval(() => (button.isConnected && shown ? next() : halt()), PACE);
      return next();
    });
    return button;
  }

  return {
    node,
    offer,
    show(filter) {
      if (JSON.stringify(filter) === JSON.stringify(shown)) return;
      const same = filter && shown && filter.column === shown.column && rest.contains(document.activeElement);
      shown = filter;
      columns.value = filter ? filter.column : "";
      if (same && filter.names) {
        // A slider under a finger must not be replaced.
        rest.querySelector("select").value = filter.names[0];
        rest.querySelector("input").value = data.columns[filter.column].groups.findIndex(({ name }) => name === filter.names[0]);
      } else if (same) {
        const [from, to] = rest.querySelectorAll("input");
        [from.value, to.value] = [filter.low, filter.high];
        rest.querySelector("output").textContent = `${round(filter.low)} to ${round(filter.high)}`;
      } else rest.replaceChildren(...(filter ? (filter.names ? classes(filter) : numbers(filter)) : []));
    },
  };
}

function range(min, max, step, value, label, changed) {
  const node = element("input", { type: "range", min, max, step, "aria-label": label });
  node.value = value;
  node.addEventListener("input", () => changed(Number(node.value)));
  return node;
}

function round(value) {
  return Number(value.toPrecision(3)).toString();
}
