// Sends files in chunks. The server says how many bytes it has, so that a break loses nothing.
"use strict";

(function () {
  const drop = document.getElementById("drop");
  const texts = JSON.parse(drop.dataset.texts);
  const token = document.querySelector("meta[name=form-token]").content;
  const headers = { "X-AIWF-Token": token, Accept: "application/json" };
  const bar = document.getElementById("bar");
  const status = document.getElementById("status");
  const pause = document.getElementById("pause");
  const AT_ONCE = 3;
  const PAUSES = [0.5, 1, 2, 4, 8, 8, 8]; // seconds before a failed request is sent again
  let paused = false;
  let sending = false;

  const say = (key, values) => {
    status.textContent = texts[key].replace(/\{(\w+)\}/g, (_, name) => (values || {})[name]);
  };
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

  async function asked(address, options) {
    for (let attempt = 0; ; attempt++) {
      while (paused) await wait(0.2);
      try {
        const answer = await fetch(address, { ...options, headers });
        if (answer.status === 409 || answer.ok) return await answer.json();
        if (answer.status !== 503 || attempt >= 1) {
          const refused = await answer.json().catch(() => ({ problem: texts.refused, remedy: "" }));
          throw Object.assign(new Error(`${refused.problem} ${refused.remedy}`), { final: true });
        }
      } catch (error) {
        if (error.final || attempt >= PAUSES.length) throw error;
        say("interrupted");
      }
      await wait(PAUSES[Math.min(attempt, PAUSES.length - 1)]);
    }
  }

  const nameOf = (file) => file.path || file.webkitRelativePath || file.name;
  const keyOf = (files) =>
    "aiwf-upload " + files.map((file) => `${nameOf(file)}:${file.size}:${file.lastModified}`).sort().join("|");

  // Two 32-bit FNV-1a hashes of `text`: enough to tell one browser's choices of files apart.
  function hashed(text) {
    let [first, second] = [2166136261, 84696351];
    for (let place = 0; place < text.length; place++) {
      first = Math.imul(first ^ text.charCodeAt(place), 16777619);
      second = Math.imul(second ^ text.charCodeAt(place), 16777619);
    }
    return `${(first >>> 0).toString(16)}-${(second >>> 0).toString(16)}`;
  }

  // A short name under which this choice of files is remembered in this browser.
  async function shortKey(files) {
    if (!crypto.subtle) return `aiwf-upload-${hashed(keyOf(files))}`; // a page without HTTPS has none
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(keyOf(files)));
    return "aiwf-upload-" + Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, "0")).join("");
  }

  async function begun(files, key) {
    const before = localStorage.getItem(key);
    if (before) {
      const found = await fetch(`${drop.dataset.uploads}/${before}`, { headers });
      if (found.ok) return await found.json();
    }
    const listed = files.map((file) => ({ name: nameOf(file), size: file.size }));
    const upload = await asked(drop.dataset.uploads, {
      method: "POST",
      body: JSON.stringify({ files: listed }),
    });
    localStorage.setItem(key, upload.id);
    return upload;
  }

  async function send(chosen) {
    if (sending || !chosen.length) return;
    sending = true;
    const files = chosen.slice().sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    document.getElementById("sending").hidden = false;
    try {
      const key = await shortKey(files);
      const upload = await begun(files, key);
      const total = files.reduce((sum, file) => sum + file.size, 0) || 1;
      const received = upload.received;
      let next = 0;
      const shown = () => {
        const bytes = received.reduce((sum, count) => sum + count, 0);
        bar.value = bytes / total;
        say("sent", { done: (bytes / 1e6).toFixed(1), total: (total / 1e6).toFixed(1) });
      };
      const work = async () => {
        while (next < files.length) {
          const place = next++;
          while (received[place] < files[place].size) {
            const from = received[place];
            const body = files[place].slice(from, from + upload.chunk);
            const address = `${drop.dataset.uploads}/${upload.id}/${place}?offset=${from}`;
            received[place] = (await asked(address, { method: "POST", body })).received;
            shown();
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      localStorage.removeItem(key);
      say("reading");
      pause.hidden = true;
      const name = drop.dataset.name ? `?name=${encodeURIComponent(drop.dataset.name)}` : "";
      location.assign(drop.dataset.next + upload.id + name);
    } catch (error) {
      status.textContent = error.final ? error.message : texts.stopped;
      sending = false;
    }
  }

  async function filesIn(entry, path) {
    if (entry.isFile) {
      const file = await new Promise((done, failed) => entry.file(done, failed));
      file.path = path + file.name;
      return [file];
    }
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const entries = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!entries.length) return found;
      for (const inner of entries) found.push(...(await filesIn(inner, `${path}${entry.name}/`)));
    }
  }

  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry()).filter(Boolean);
    const files = [];
    for (const entry of entries) files.push(...(await filesIn(entry, "")));
    send(files);
  });
  for (const id of ["files", "folder"]) {
    document.getElementById(id).addEventListener("change", (event) => send(Array.from(event.target.files)));
  }
  drop.addEventListener("collected", (event) => send(event.detail));
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? texts.go_on : texts.pause;
    if (paused) say("paused");
  });
})();
