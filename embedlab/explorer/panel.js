// Shows HTML that Python wrote (every text in it escaped there), reports which item was chosen, plays sounds
// and films.

const PLAYS = "embedlab-plays"; // an event of the page: whoever else is playing stops

// One player for all views of a panel: a new colouring writes the panel anew, and the sound goes on. A sound
// plays in a film element that is not in the page.
function mediaPlayer(model) {
  const media = document.createElement("video");
  media.playsInline = true;
  media.controls = true;
  const painters = new Set(); // one for each view
  const paint = () => painters.forEach((one) => one());
  let id = null; // what is loaded
  let address = null;
  let start = 0; // share of it to begin at, once it is here

  async function play() {
    document.dispatchEvent(new CustomEvent(PLAYS, { detail: media }));
    try {
      await media.play();
    } catch (error) {
      // A page that nobody has touched may not sound, and a newer sound ends the wait for this one.
      if (error.name === "NotAllowedError" || error.name === "AbortError") return;
      model.send({ type: "error", what: "play it", text: String(error) });
    }
  }
  function arrived(message, buffers) {
    // The same notebook may be open in a second window: only what is in sight sounds.
    if (message.type !== "media" || document.visibilityState !== "visible") return;
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([buffers[0]], { type: message.mime }));
    id = message.id;
    media.src = address;
    media.onloadedmetadata = () => {
      media.currentTime = start * media.duration;
      start = 0;
    };
    play();
  }
  function follow() {
    paint();
    if (!media.paused) requestAnimationFrame(follow);
  }
  const hush = (event) => event.detail !== media && media.pause();
  media.addEventListener("play", follow);
  media.addEventListener("pause", paint);
  media.addEventListener("ended", paint);
  document.addEventListener(PLAYS, hush);
  model.on("msg:custom", arrived);

  return {
    painters,
    media,
    // Where in `wanted` we are, in seconds; null while another one or none is loaded.
    time: (wanted) => (wanted === id && !media.ended ? media.currentTime : null),
    plays: (wanted) => wanted === id && !media.paused,
    toggle(wanted) {
      if (wanted !== id) model.send({ type: "media", id: wanted });
      else if (media.paused) play();
      else media.pause();
    },
    seek(wanted, share) {
      if (wanted === id) {
        media.currentTime = share * media.duration;
        play();
      } else {
        start = share;
        model.send({ type: "media", id: wanted });
      }
    },
    stop: () => media.pause(),
    remove() {
      media.pause();
      if (address) URL.revokeObjectURL(address);
      document.removeEventListener(PLAYS, hush);
      model.off("msg:custom", arrived);
    },
  };
}

export default () => {
  let player;

  function initialize({ model }) {
    player = mediaPlayer(model);
    return () => player.remove();
  }

  function render({ model, el }) {
    el.classList.add("embedlab-panel");
    let shown = null; // the figure of the sound or film on show, and its item's id
    let id = null;
    const paint = () => {
      if (!shown) return;
      const time = player.time(id);
      const screen = shown.querySelector(".embedlab-screen");
      // In a second view of the panel the film stays where it is: an element is in one place only.
      if (screen && time !== null && !player.media.isConnected) screen.append(player.media);
      const button = shown.querySelector("button");
      button.textContent = player.plays(id) ? "Pause" : "Play";
      button.classList.toggle("embedlab-playing", player.plays(id));
      const head = shown.querySelector(".embedlab-playhead");
      if (!head) return;
      head.style.display = time === null ? "none" : "block";
      head.style.left = `${Math.min(100, (100 * (time || 0)) / Number(shown.dataset.seconds))}%`;
    };
    const show = () => {
      el.innerHTML = model.get("html");
      el.scrollTop = 0;
      const before = id;
      shown = el.querySelector("[data-plays]");
      id = shown && JSON.parse(shown.dataset.plays);
      if (before !== null && before !== id) player.stop(); // what sounds is what is shown
      paint();
    };
    const choose = (event) => {
      const button = event.target.closest("button");
      const picture = event.target.closest(".embedlab-heard");
      if (button?.dataset.id) model.send({ type: "click", id: JSON.parse(button.dataset.id) });
      else if (button?.classList.contains("embedlab-play")) player.toggle(id);
      else if (picture) {
        const box = picture.getBoundingClientRect();
        player.seek(id, (event.clientX - box.left) / box.width);
      }
    };
    show();
    player.painters.add(paint);
    model.on("change:html", show);
    el.addEventListener("click", choose);
    return () => {
      player.painters.delete(paint);
      model.off("change:html", show);
      el.removeEventListener("click", choose);
    };
  }

  return { initialize, render };
};
