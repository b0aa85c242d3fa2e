// The explorer in a notebook. Python keeps the state; what a person does is drawn at once and then told to it.

function liveSource(model, view) {
  const KEPT = 400; // pictures
  const waiting = new Map(); // ticket → what to do with the answer
  const pictures = new Map(); // row → promise of an address, the oldest first
  let tickets = 0;

  function ask(type, row) {
    tickets += 1;
    const ticket = `${view} ${tickets}`;
    return new Promise((resolve) => {
      waiting.set(ticket, resolve);
      model.send({ type, row, ticket });
    });
  }
  function arrived(message, buffers) {
    const resolve = waiting.get(message.ticket);
    waiting.delete(message.ticket);
    if (!resolve) return; // for another view of the same explorer
    const [bytes] = buffers || [];
    resolve(message.html ?? message.near ?? (bytes ? URL.createObjectURL(new Blob([bytes], { type: message.mime })) : null));
  }
  model.on("msg:custom", arrived);
  let playing = null; // one sound or film at a time is kept

  const source = {
    acted: 0,
    item: (row) => ask("item", row),
    near: (row) => ask("near", row),
    thumb(row) {
      if (!pictures.has(row)) pictures.set(row, ask("thumb", row));
      if (pictures.size > KEPT) {
        const [[oldest, promise]] = pictures;
        promise.then((url) => url && URL.revokeObjectURL(url));
        pictures.delete(oldest);
      }
      return pictures.get(row);
    },
    async media(row) {
      const url = await ask("media", row);
      if (playing) URL.revokeObjectURL(playing);
      playing = url;
      return url;
    },
    // Beside what is selected: a tag for it.
    tools() {
      const name = element("input", { type: "text", placeholder: "Tag …", "aria-label": "Tag for the selection", size: 10 });
      const give = element("button", { type: "button", class: "embedlab-button" }, "Tag");
      const undo = element("button", { type: "button", class: "embedlab-button", title: "Take the last tag back" }, "Undo");
      give.addEventListener("click", () => source.tell("tag", name.value));
      name.addEventListener("keydown", (event) => event.key === "Enter" && give.click());
      undo.addEventListener("click", () => source.tell("undo"));
      return [name, give, undo];
    },
    tell(action, argument = null) {
      source.acted += 1;
      model.send({ type: "do", action, argument, view, acted: source.acted });
    },
    search(text, api) {
      api.set({ query: text });
      source.tell("search", text);
    },
    remove() {
      model.off("msg:custom", arrived);
      if (playing) URL.revokeObjectURL(playing);
      pictures.forEach((promise) => promise.then((url) => url && URL.revokeObjectURL(url)));
    },
  };
  return source;
}

export default {
  render({ model, el }) {
    const view = Math.random().toString(36).slice(2);
    let shown = null;
    let source = null;
    function follow() {
      const { echo, ...state } = JSON.parse(model.get("state"));
      // An echo of something older than what was just done here would undo it for a moment.
      if (echo.view === view && echo.acted < source.acted) return;
      shown.set(state);
    }
    function build() {
      shown?.remove();
      source?.remove();
      el.replaceChildren();
      source = liveSource(model, view);
      shown = explorerIn(el.appendChild(document.createElement("div")), JSON.parse(model.get("payload")), model.get("height"), source);
      offer();
      follow();
    }
    let offered = []; // colourings that come and go
    function offer() {
      const passing = JSON.parse(model.get("passing"));
      for (const name of new Set([...offered, ...Object.keys(passing)])) shown.column(name, passing[name]);
      offered = Object.keys(passing);
    }
    model.on("change:passing", offer);
    model.on("change:payload", build);
    model.on("change:state", follow);
    build();
    return () => {
      model.off("change:passing", offer);
      model.off("change:payload", build);
      model.off("change:state", follow);
      shown.remove();
      source.remove();
    };
  },
};
