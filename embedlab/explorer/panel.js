// Shows HTML that Python wrote (every text in it escaped there), reports which item was chosen, plays sounds.

const PLAYS = "embedlab-plays"; // an event of the page: whoever else is playing stops

// One player for all views of a panel: a new colouring writes the panel anew, and the sound goes on.
function soundPlayer(model) {
  const audio = new Audio();
  const painters = new Set(); // one for each view
  const paint = () => painters.forEach((one) => one());
  let id = null; // whose sound is loaded
  let address = null;
  let start = 0; // share of the sound to begin at, once it is here

  async function play() {
    document.dispatchEvent(new CustomEvent(PLAYS, { detail: audio }));
    try {
      await audio.play();
    } catch (error) {
      // A page that nobody has touched may not sound, and a newer sound ends the wait for this one.
      if (error.name === "NotAllowedError" || error.name === "AbortError") return;
      model.send({ type: "error", what: "play the sound", text: String(error) });
    }
  }
  function arrived(message, buffers) {
    // The same notebook may be open in a second window: only what is in sight sounds.
    if (message.type !== "sound" || document.visibilityState !== "visible") return;
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([buffers[0]], { type: "audio/wav" }));
    id = message.id;
    audio.src = address;
    audio.onloadedmetadata = () => {
      audio.currentTime = start * audio.duration;
      start = 0;
    };
    play();
  }
  function follow() {
    paint();
    if (!audio.paused) requestAnimationFrame(follow);
  }
  const hush = (event) => event.detail !== audio && audio.pause();
  audio.addEventListener("play", follow);
  audio.addEventListener("pause", paint);
  audio.addEventListener("ended", paint);
  document.addEventListener(PLAYS, hush);
  model.on("msg:custom", arrived);

  return {
    painters,
    // Where in the sound of `wanted` we are, in seconds; null while another one or none is loaded.
    time: (wanted) => (wanted === id && !audio.ended ? audio.currentTime : null),
    plays: (wanted) => wanted === id && !audio.paused,
    toggle(wanted) {
      if (wanted !== id) model.send({ type: "sound", id: wanted });
      else if (audio.paused) play();
      else audio.pause();
    },
    seek(wanted, share) {
      if (wanted === id) {
        audio.currentTime = share * audio.duration;
        play();
      } else {
        start = share;
        model.send({ type: "sound", id: wanted });
      }
    },
    stop: () => audio.pause(),
    remove() {
      audio.pause();
      if (address) URL.revokeObjectURL(address);
      document.removeEventListener(PLAYS, hush);
      model.off("msg:custom", arrived);
    },
  };
}

export default () => {
  let player;

  function initialize({ model }) {
    player = soundPlayer(model);
    return () => player.remove();
  }

  function render({ model, el }) {
    el.classList.add("embedlab-panel");
    let sound = null; // the figure of the sound on show, and its item's id
    let id = null;
    const paint = () => {
      if (!sound) return;
      const time = player.time(id);
      const button = sound.querySelector("button");
      button.textContent = player.plays(id) ? "Pause" : "Play";
      button.classList.toggle("embedlab-playing", player.plays(id));
      const head = sound.querySelector(".embedlab-playhead");
      head.style.display = time === null ? "none" : "block";
      head.style.left = `${Math.min(100, (100 * (time || 0)) / Number(sound.dataset.seconds))}%`;
    };
    const show = () => {
      el.innerHTML = model.get("html");
      el.scrollTop = 0;
      const before = id;
      sound = el.querySelector("[data-sound]");
      id = sound && JSON.parse(sound.dataset.sound);
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
