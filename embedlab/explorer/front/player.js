// One player for an explorer: whatever is shown anew, a sound goes on until another item is chosen.

const PLAYS = "embedlab-plays"; // an event of the page: whoever else is playing stops

function mediaPlayer(source, failed) {
  const media = document.createElement("video"); // a sound plays in a film element that is not in the page
  media.playsInline = true;
  media.controls = true;
  let row = null; // what is loaded
  let start = 0; // share of it to begin at, once it is here
  let shown = null; // the figure in the panel that belongs to it
  let shownRow = null;

  async function play() {
    document.dispatchEvent(new CustomEvent(PLAYS, { detail: media }));
    try {
      await media.play();
    } catch (error) {
      // A page that nobody has touched may not sound, and a newer sound ends the wait for this one.
      if (error.name !== "NotAllowedError" && error.name !== "AbortError") failed("play it", error);
    }
  }
  async function load(wanted, from = 0) {
    const url = await source.media(wanted);
    // Meanwhile another was chosen, or this is a second window of the same notebook: only what is in sight sounds.
    if (!url || wanted !== shownRow || document.visibilityState !== "visible") return;
    [row, start] = [wanted, from];
    media.src = url;
    media.onloadedmetadata = () => {
      media.currentTime = start * media.duration;
    };
    play();
  }
  function paint() {
    if (!shown) return;
    const mine = row === shownRow;
    const screen = shown.querySelector(".embedlab-screen");
    if (screen && mine && !media.isConnected) screen.append(media);
    const button = shown.querySelector("button");
    const playing = mine && !media.paused;
    button.textContent = playing ? "Pause" : "Play";
    button.classList.toggle("embedlab-playing", playing);
    const head = shown.querySelector(".embedlab-playhead");
    if (!head) return;
    head.style.display = mine && !media.ended ? "block" : "none";
    head.style.left = `${Math.min(100, (100 * media.currentTime) / Number(shown.dataset.seconds))}%`;
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

  return {
    // The panel shows an item; `starts` when a person has just chosen it.
    show(figure, newRow, starts) {
      if (newRow !== shownRow) media.pause();
      const anew = figure !== shown;
      [shown, shownRow] = [figure, newRow];
      if (figure && anew) {
        figure.querySelector("button").addEventListener("click", () => {
          if (row !== shownRow) load(shownRow);
          else if (media.paused) play();
          else media.pause();
        });
        figure.querySelector(".embedlab-heard")?.addEventListener("click", (event) => {
          const frame = event.currentTarget.getBoundingClientRect();
          const share = (event.clientX - frame.left) / frame.width;
          if (row !== shownRow) return load(shownRow, share);
          media.currentTime = share * media.duration;
          return play();
        });
      }
      if (figure && starts) load(newRow);
      paint();
    },
    remove() {
      media.pause();
      media.removeAttribute("src");
      document.removeEventListener(PLAYS, hush);
    },
  };
}
