// The panel beside the maps: the chosen item, its neighbours in every model, the answers, the selection.

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  // JupyterLab would take a key for a command: "b" makes a cell, "x" cuts one.
  if (node.hasAttribute("tabindex") || /^(button|select|input)$/.test(name)) {
    node.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  node.append(...children);
  return node;
}

function short(text, most) {
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}

const MOST_SHOWN = 60; // of a selection

function detailIn(root, data, source, tell) {
  const seen = ["image", "audio", "video", "image+text"].includes(data.modality);
  // Pictures are fetched when they come into sight.
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      source.thumb(Number(target.dataset.row)).then((url) => url && target.setAttribute("src", url));
    }
  });

  function button(row, words, state, role = "") {
    const title = data.titles[row] || "(empty text)";
    const color = state.colorOf(row);
    const node = element("button", { type: "button", "data-id": data.ids[row], class: role, title: short(title, 200) });
    const isText = data.kinds?.[row] === "text";
    if (seen) {
      const edge = `border-color:${color}`;
      if (isText) node.append(element("span", { class: "embedlab-words", style: edge }, short(title, 60)));
      else {
        const image = element("img", { alt: short(title, 60), style: edge, "data-row": row, class: `embedlab-${data.modality}` });
        watcher.observe(image);
        node.append(image);
      }
      const label = element("bdi", {}, short(data.labels?.[row] ?? "", 24));
      node.append(element("span", { class: "embedlab-under" }, element("span", { class: "embedlab-score" }, words), " ", label));
    } else {
      const label = data.labels?.[row];
      const tag = label ? [element("span", { class: "embedlab-tag" }, element("bdi", {}, short(label, 30)))] : [];
      node.append(
        element("span", { class: "embedlab-score" }, words),
        element("span", { class: "embedlab-swatch", style: `background:${color}` }),
        element("span", { class: "embedlab-title" }, ...tag, element("bdi", {}, short(title, 110))),
      );
    }
    node.addEventListener("click", () => tell.click(row));
    return element("li", {}, node);
  }

  function list(places, state, roleOf = () => "") {
    const lines = places.map(({ row, score }) => button(row, score === undefined ? "" : score.toFixed(2), state, roleOf(row)));
    return element("ol", { class: seen ? "embedlab-strip" : null }, ...lines);
  }

  function item(state) {
    const section = element("section", { class: "embedlab-item", "data-item": data.ids[state.clicked] });
    const label = data.labels ? data.labels[state.clicked] ?? "(none)" : "";
    section.append(element("header", {},
      element("span", { class: "embedlab-swatch", style: `background:${state.colorOf(state.clicked)}` }),
      element("b", {}, element("bdi", {}, short(label, 60))),
      element("code", {}, short(data.ids[state.clicked], 60))));
    const body = element("div", { class: "embedlab-content" });
    section.append(body);
    return [section, body];
  }

  function nearest(state) {
    const { lists, shared } = state.neighbors;
    return data.panels.map((panel, i) => {
      const section = element("section", { class: "embedlab-nearest" });
      const heading = data.panels.length > 1 ? panel.name : `Nearest in all ${panel.dim} dimensions`;
      section.append(element("h4", {}, `${heading} `, element("small", {}, panel.measure)));
      section.append(lists[i].length
        ? list(lists[i], state, (row) => (shared.has(row) ? "embedlab-shared" : ""))
        : element("p", { class: "embedlab-note" }, "There is no other item."));
      if (panel.lost && panel.k) {
        section.append(element("p", { class: "embedlab-note" },
          `On the map, ${panel.lost[state.clicked]} of its ${panel.k} true neighbours are no longer beside it.`));
      }
      return section;
    });
  }

  function selection(state) {
    const rows = state.selected;
    const section = element("section", { class: "embedlab-selection" },
      element("b", {}, `${rows.length} item${rows.length === 1 ? "" : "s"} selected`));
    if (data.labels) {
      const counts = new Map();
      for (const row of rows) counts.set(data.labels[row] ?? "(none)", (counts.get(data.labels[row] ?? "(none)") || 0) + 1);
      const order = [...counts].sort((a, b) => b[1] - a[1]);
      const rest = order.length - 4;
      const more = rest > 0 ? ` and ${rest} more label${rest === 1 ? "" : "s"}` : "";
      const words = order.slice(0, 4).map(([name, count]) => `${short(name, 30)} ${count}`).join(", ");
      section.append(element("br"), element("bdi", {}, words + more));
    }
    section.append(...tell.forSelection(rows));
    section.append(list(rows.slice(0, MOST_SHOWN).map((row) => ({ row })), state));
    if (rows.length > MOST_SHOWN) section.append(element("p", { class: "embedlab-note" }, `… and ${rows.length - MOST_SHOWN} more`));
    return section;
  }

  // The item that is shown is not built anew while it stays: a film in it would stop.
  let kept = { row: null, section: null };
  function itemOf(state, player) {
    const color = `background:${state.colorOf(state.clicked)}`;
    if (kept.row === state.clicked) {
      kept.section.querySelector("header .embedlab-swatch").setAttribute("style", color);
      if (state.starts) kept.body.then(() => player.show(kept.figure(), state.clicked, true));
      return kept.section;
    }
    const [section, body] = item(state);
    const { clicked, starts } = state;
    const figure = () => body.querySelector("[data-plays]");
    const filled = source.item(clicked).then((html) => {
      if (kept.row !== clicked) return; // it comes late, and another is shown
      body.innerHTML = html; // written, and every text in it escaped, by Python
      player.show(figure(), clicked, starts);
    });
    kept = { row: clicked, section, body: filled, figure };
    return section;
  }

  return {
    // state: { clicked, neighbors, selected, hits, list, query, notice, colorOf, starts }
    draw(state, player) {
      watcher.disconnect();
      const parts = [];
      if (state.notice) parts.push(element("section", { class: state.notice.class, role: "alert" }, state.notice.text));
      if (state.selected.length) parts.push(selection(state));
      if (state.clicked === null) {
        kept = { row: null, section: null };
        player.show(null, null, false);
      } else parts.push(itemOf(state, player), ...nearest(state));
      if (state.list) {
        const { title, note, places } = state.list;
        parts.push(element("section", { class: "embedlab-list" }, element("h4", {}, title), element("p", { class: "embedlab-note" }, note),
          list(places.flatMap(({ row, other, score }) => (other === undefined ? [{ row, score }] : [{ row, score }, { row: other }])), state)));
      }
      if (state.hits.length) {
        const heading = element("h4", {}, `${state.hits.length} nearest to `, element("q", { dir: "auto" }, short(state.query, 80)),
          " ", element("small", {}, state.hitMeasure));
        parts.push(element("section", { class: "embedlab-hits" }, heading, list(state.hits, state)));
      }
      if (!parts.length) {
        parts.push(element("section", { class: "embedlab-help" }, element("ul", {}, ...tell.help().map((line) => element("li", {}, line)))));
      }
      root.replaceChildren(...parts);
      root.scrollTop = 0;
    },
    remove: () => watcher.disconnect(),
  };
}
