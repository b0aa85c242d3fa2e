// Shows HTML that Python wrote (every text in it escaped there) and reports which item was chosen.
function render({ model, el }) {
  el.classList.add("embedlab-panel");
  const show = () => {
    el.innerHTML = model.get("html");
    el.scrollTop = 0;
  };
  const choose = (event) => {
    const button = event.target.closest("button[data-id]");
    if (button && el.contains(button)) model.send({ type: "click", id: JSON.parse(button.dataset.id) });
  };
  show();
  model.on("change:html", show);
  el.addEventListener("click", choose);
  return () => {
    model.off("change:html", show);
    el.removeEventListener("click", choose);
  };
}

export default { render };
