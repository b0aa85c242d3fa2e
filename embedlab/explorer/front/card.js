// A card beside the mouse: what the item is, and its picture where it has one.
function cardOn(root, data, source) {
  const card = root.appendChild(element("div", { class: "embedlab-card" }));
  const image = card.appendChild(element("img", { alt: "" }));
  const words = card.appendChild(element("div"));
  const seen = ["image", "audio", "video", "image+text"].includes(data.modality);
  let wanted = null;
  return {
    show(row, event) {
      wanted = row;
      card.dataset.item = data.ids[row];
      words.replaceChildren(...(data.labels?.[row] ? [element("b", {}, short(data.labels[row], 40)), element("br")] : []), short(data.titles[row], 160));
      image.removeAttribute("src");
      delete image.dataset.picture;
      image.style.display = seen && data.kinds?.[row] !== "text" ? "block" : "none";
      if (seen) source.thumb(row).then((url) => {
        if (wanted !== row) return;
        image.style.display = url ? "block" : "none";
        if (!url) return;
        image.src = url;
        image.dataset.picture = data.ids[row];
      });
      card.style.display = "block";
      const frame = root.getBoundingClientRect();
      const at = { x: event.clientX - frame.left, y: event.clientY - frame.top };
      const flips = at.x + 16 + card.offsetWidth > frame.width;
      card.style.left = `${flips ? at.x - 16 - card.offsetWidth : at.x + 16}px`;
      card.style.top = `${Math.max(4, Math.min(at.y - 40, frame.height - card.offsetHeight - 4))}px`;
    },
    hide() {
      wanted = null;
      card.style.display = "none";
    },
  };
}
