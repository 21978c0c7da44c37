// Sends a dropped picture or sound to the package, and shows what it answers.
"use strict";

(function () {
  const drop = document.getElementById("drop");
  const answers = document.getElementById("answers");
  const texts = JSON.parse(drop.dataset.texts);
  const token = document.querySelector("meta[name=form-token]").content;
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#a6761d", "#e69f00", "#7b61c9"];
  const MOST_PIXELS = 1600; // of the drawing's longer side
  const MOST_BOXES = 100; // that are sent with a report

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const percent = (score) => `${(100 * score).toFixed(1)} %`;
  const filled = (key, values) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function sureness(sure) {
    if (sure === true) return element("span", texts.sure, "tag good");
    if (sure === false) return element("span", texts.unsure, "tag doubt");
    return element("span", texts.unmeasured, "tag");
  }

  function labelList(labels) {
    const list = element("ul", undefined, "scores");
    for (const entry of labels) {
      const row = element("li");
      const bar = element("progress");
      bar.max = 1;
      bar.value = entry.score;
      bar.setAttribute("aria-hidden", "true");
      row.append(element("span", entry.label), bar, element("span", percent(entry.score), "number"));
      list.append(row);
    }
    return list;
  }

  function windowList(windows) {
    const list = element("ul", undefined, "facts-list");
    for (const span of windows) {
      list.append(element("li", `${span.start.toFixed(1)}–${span.end.toFixed(1)} s: ${span.label} ${percent(span.score)}`));
    }
    return list;
  }

  // Of a chain, also what its detector calls the box.
  function caption(entry) {
    const found = `${entry.label} ${percent(entry.score)}`;
    const detected = entry.detected;
    return !detected || detected.label === entry.label ? found : `${found} · ${detected.label} ${percent(detected.score)}`;
  }

  function drawn(picture, boxes) {
    const scale = Math.min(1, MOST_PIXELS / Math.max(picture.width, picture.height));
    const canvas = element("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const pen = canvas.getContext("2d");
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const labels = [...new Set(boxes.map((entry) => entry.label))].sort();
    const unit = Math.max(canvas.width, canvas.height) / 400;
    pen.lineWidth = Math.max(2, unit);
    pen.font = `${Math.max(12, Math.round(5 * unit))}px system-ui, sans-serif`;
    pen.textBaseline = "bottom";
    for (const entry of boxes) {
      const [left, top, right, bottom] = entry.box.map((value) => value * scale);
      pen.strokeStyle = pen.fillStyle = COLOURS[labels.indexOf(entry.label) % COLOURS.length];
      pen.setLineDash(entry.sure === false ? [4 * unit, 3 * unit] : []);
      pen.strokeRect(left, top, right - left, bottom - top);
      pen.fillText(caption(entry), left, Math.max(top, 14));
    }
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", filled("boxes", { count: boxes.length }));
    return canvas;
  }

  // A browser turns a picture upright by its EXIF data, as the package does.
  const pictureOf = (file) => createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);

  // What the trained model, of which the package is a copy, looked at; drawn when it is asked for.
  function overlayPart(file, label) {
    const part = element("details", undefined, "overlay");
    part.append(element("summary", texts.overlay));
    part.addEventListener("toggle", async () => {
      if (!part.open || part.dataset.asked) return;
      part.dataset.asked = "yes";
      const note = element("p", texts.overlay_waiting, "busy");
      note.setAttribute("role", "status");
      part.append(note);
      try {
        const reply = await fetch(`${drop.dataset.overlay}?label=${encodeURIComponent(label)}`, {
          method: "POST",
          body: file,
          headers: { "X-AIWF-Token": token, Accept: "application/json" },
        });
        if (!reply.ok) throw new Error((await reply.json()).problem);
        const answered = decodeURIComponent(reply.headers.get("x-answered"));
        const picture = element("img");
        picture.alt = filled("overlay_of", { label });
        picture.src = URL.createObjectURL(await reply.blob());
        note.className = "soft";
        note.textContent = reply.headers.get("x-is_empty") === "True" ? texts.overlay_empty : picture.alt;
        if (answered !== label) note.textContent += ` ${filled("overlay_differs", { answered })}`;
        part.append(picture);
      } catch (error) {
        note.className = "bad";
        note.textContent = error.message || texts.failed;
      }
    });
    return part;
  }

  // A person says what is right; only then the file is kept, for review. Of boxes it is only said
  // that they are wrong: the right ones are drawn in the review.
  function wrongPart(file, answered, boxes) {
    const part = element("details", undefined, "wrong");
    const choice = element("select");
    choice.setAttribute("aria-label", texts.wrong_is);
    for (const label of JSON.parse(drop.dataset.labels)) {
      if (label !== answered) choice.append(new Option(label, label));
    }
    const send = element("button", texts.wrong_send, "second");
    const note = element("p");
    note.setAttribute("role", "status");
    send.addEventListener("click", async () => {
      send.disabled = true;
      const query = new URLSearchParams({ label: boxes ? "" : choice.value, answer: answered });
      if (boxes) query.set("boxes", JSON.stringify(boxes.slice(0, MOST_BOXES).map((each) => [each.label, ...each.box])));
      try {
        const reply = await fetch(`${drop.dataset.wrong}?${query}`, {
          method: "POST",
          body: file,
          headers: { "X-AIWF-Token": token, Accept: "application/json" },
        });
        if (!reply.ok) throw new Error((await reply.json()).problem);
        note.className = "good";
        note.textContent = texts.wrong_thanks;
      } catch (error) {
        send.disabled = false;
        note.className = "bad";
        note.textContent = error.message || texts.failed;
      }
    });
    const line = element("p", undefined, "actions");
    if (boxes) line.append(element("span", texts.wrong_boxes), send);
    else line.append(element("span", texts.wrong_is), choice, send);
    part.append(element("summary", texts.wrong), line, note);
    return part;
  }

  async function shown(card, file, answer) {
    if (answer.boxes) {
      const picture = await pictureOf(file);
      if (picture) card.append(drawn(picture, answer.boxes));
      const unsure = answer.boxes.filter((entry) => entry.sure === false).length;
      card.append(element("p", filled("boxes", { count: answer.boxes.length }), "figure"));
      if (unsure) card.append(element("p", filled("boxes_unsure", { count: unsure }), "doubt"));
      if (drop.dataset.wrong) card.append(wrongPart(file, answer.boxes.length ? answer.boxes[0].label : "", answer.boxes));
      return;
    }
    if (file.type.startsWith("audio/")) {
      const player = element("audio");
      player.controls = true;
      player.src = URL.createObjectURL(file);
      card.append(player);
    } else {
      const picture = element("img");
      picture.alt = file.name;
      picture.src = URL.createObjectURL(file);
      card.append(picture);
    }
    const [first] = answer.labels;
    const line = element("p", first ? `${first.label} ` : texts.none, "figure");
    line.append(sureness(answer.sure));
    card.append(line, labelList(answer.labels));
    if (first && drop.dataset.overlay) card.append(overlayPart(file, first.label));
    if (drop.dataset.wrong) card.append(wrongPart(file, first ? first.label : ""));
    if (answer.windows && answer.windows.length > 1) card.append(windowList(answer.windows));
  }

  async function ask(file) {
    const card = element("article", undefined, "card answer");
    card.append(element("h2", file.name), element("p", texts.waiting, "busy"));
    answers.prepend(card);
    let answer;
    let latency = "";
    try {
      const reply = await fetch(drop.dataset.answer, {
        method: "POST",
        body: file,
        headers: { "X-AIWF-Token": token, Accept: "application/json" },
      });
      latency = (/dur=([\d.]+)/.exec(reply.headers.get("server-timing") || "") || [])[1];
      answer = await reply.json();
    } catch (error) {
      answer = { problem: texts.failed, remedy: "" };
    }
    card.replaceChildren(element("h2", file.name));
    if (answer.problem) {
      card.classList.add("problem");
      card.append(element("p", answer.problem), element("p", answer.remedy, "soft"));
    } else {
      await shown(card, file, answer);
      if (latency) card.append(element("p", filled("latency", { milliseconds: latency }), "soft"));
    }
  }

  async function askAll(files) {
    for (const file of Array.from(files).slice(0, 50)) await ask(file);
  }

  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    askAll(event.dataTransfer.files);
  });
  document.addEventListener("captured", (event) => ask(event.detail));
  document.addEventListener("paste", (event) => askAll(event.clipboardData.files));
  document.getElementById("file").addEventListener("change", (event) => {
    askAll(event.target.files);
  });
})();
