// Improves the pages and is never needed: live parts renew themselves and can be paused, files can be dropped on a field.
"use strict";

(() => {
  const button = document.querySelector("button[data-live-button]");
  const state = document.querySelector("[data-live-state]");
  const parts = () => [...document.querySelectorAll("[data-live][id]")];
  if (!button || !state || !parts().length) return;
  const every = Math.max(1, Number(button.dataset.liveButton)) * 1000;
  let paused = false;
  let busy = false;
  let came = Date.now();

  const say = (text) => {
    if (state.textContent !== text) state.textContent = text;
  };
  const time = () => new Date(came)
    .toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Paris" })
    .replace(":", state.dataset.colon);

  const keep = (old, fresh) => {
    for (const one of old.querySelectorAll("details[open][id]")) {
      const same = fresh.querySelector("#" + CSS.escape(one.id));
      if (same) same.open = true;
    }
    for (const one of old.querySelectorAll("input[id]:checked")) {
      const same = fresh.querySelector("#" + CSS.escape(one.id));
      if (same) same.checked = true;
    }
  };

  const renew = async () => {
    if (paused || busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
      if (answer.status === 401) location.reload();  // the session has ended: the page says so
      if (!answer.ok) throw new Error(answer.status);
      if (paused) return;
      came = Date.now();
      say(state.dataset.running);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of parts()) {
        const fresh = page.getElementById(old.id);
        if (!fresh || old.innerHTML === fresh.innerHTML || old.contains(document.activeElement)) continue;
        keep(old, fresh);
        old.replaceWith(document.adoptNode(fresh));
      }
    } catch {
      // The gateway is away: the page stays as it is and says so, and the next time may succeed.
      if (!paused) say(state.dataset.lost.replace("{time}", time()));
    } finally {
      busy = false;
    }
  };

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    say(paused ? state.dataset.paused : state.dataset.running);
    if (!paused) renew();
  });
  say(state.dataset.running);
  button.parentElement.hidden = false;
  setInterval(renew, every);
})();

(() => {
  for (const field of document.querySelectorAll("[data-drop]")) {
    const input = field.querySelector('input[type="file"]');
    if (!input) continue;
    for (const hint of field.querySelectorAll("[data-drop-hint]")) hint.hidden = false;
    field.addEventListener("dragover", (event) => {
      event.preventDefault();
      field.classList.add("over");
    });
    field.addEventListener("dragleave", () => field.classList.remove("over"));
    field.addEventListener("drop", (event) => {
      event.preventDefault();
      field.classList.remove("over");
      if (!event.dataTransfer || !event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.focus();
    });
  }
})();

(() => {
  const soon = document.querySelector("[data-session-soon]");
  if (!soon) return;
  const left = Number(soon.dataset.sessionSoon) - 120;
  setTimeout(() => {
    soon.textContent = soon.dataset.text;
  }, Math.max(0, left) * 1000);
})();
