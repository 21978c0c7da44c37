// What every page needs: parts that are loaded or refreshed, forms that take a while.
"use strict";

(function () {
  const SECONDS = 2;

  async function fetched(address) {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  for (const place of document.querySelectorAll("[data-load]")) {
    fetched(place.dataset.load)
      .then((page) => place.replaceChildren(...page.body.childNodes))
      .catch(() => { place.textContent = place.dataset.failed; });
  }

  // Replaces the part while the run works; when it has ended, the whole page is loaded again.
  async function refresh(place) {
    try {
      const page = await fetched(place.dataset.refresh);
      const part = page.getElementById("progress");
      if (part.dataset.state !== "running") return location.reload();
      if (!place.contains(document.activeElement) && !String(getSelection())) {
        const log = place.querySelector(".log");
        const atEnd = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
        const top = log ? log.scrollTop : 0;
        place.replaceChildren(part);
        const next = place.querySelector(".log");
        if (next) next.scrollTop = atEnd ? next.scrollHeight : top;
      }
    } catch (error) {
      // the studio is being restarted: the next request may find it again
    }
    setTimeout(refresh, 1000 * SECONDS, place);
  }
  for (const place of document.querySelectorAll("[data-refresh]")) {
    const log = place.querySelector(".log");
    if (log) log.scrollTop = log.scrollHeight;
    setTimeout(refresh, 1000 * SECONDS, place);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) return event.preventDefault();
    if (!form.dataset.busy) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    const note = document.createElement("p");
    note.setAttribute("role", "status");
    note.className = "busy";
    note.textContent = form.dataset.busy;
    form.append(note);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
