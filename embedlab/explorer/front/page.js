// An exported page: everything is in it, nobody is asked. Searching looks for words, not for meaning.
// `EXPORTED` and `MEDIA` stand before this text: the payload; and by row, pictures, what the panel shows, sounds.

function pageSource() {
  const address = (list, mime) => (row) => Promise.resolve(list?.[row] ? `data:${mime};base64,${list[row]}` : null);
  return {
    thumb: address(MEDIA.thumbs, "image/jpeg"),
    media: address(MEDIA.plays, MEDIA.mime),
    item: (row) => Promise.resolve(MEDIA.items[row]),
    tell(action, argument) {
      if (action === "error") console.error(argument.what, argument.text);
    },
    search(text, api) {
      const rows = text.trim() ? matching(api.data, text) : [];
      const notice = text.trim() && !rows.length ? { class: "embedlab-note", text: `No item contains “${text}”.` } : null;
      api.set({ query: text, selected: rows, hits: [], clicked: null, landing: [], notice });
    },
  };
}

explorerIn(document.getElementById("explorer"), EXPORTED, EXPORTED.height, pageSource());
