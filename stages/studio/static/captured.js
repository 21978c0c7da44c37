// The samples that were captured on the page to bring data: shown, until all are sent as one upload.
"use strict";

(function () {
  const texts = JSON.parse(document.getElementById("capture").dataset.texts);
  const list = document.getElementById("captured_list");
  const label = document.getElementById("capture_label");
  const bring = document.getElementById("bring_captured");
  let files = [];

  function count() {
    document.getElementById("captured").hidden = !files.length;
    bring.textContent = texts.bring.replace("{count}", files.length);
  }

  function checked() {
    const bad = /[/\\:]|^\./.test(label.value.trim());
    label.setCustomValidity(bad ? texts.bad_label : "");
    return label.reportValidity();
  }

  function shown(file) {
    const item = document.createElement("li");
    const sample = document.createElement(file.type.startsWith("audio/") ? "audio" : "img");
    sample.src = URL.createObjectURL(file);
    if (sample.tagName === "AUDIO") sample.controls = true;
    else sample.alt = file.path;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "plain";
    remove.textContent = texts.remove;
    remove.setAttribute("aria-label", `${texts.remove} ${file.path}`);
    remove.addEventListener("click", () => {
      files = files.filter((other) => other !== file);
      URL.revokeObjectURL(sample.src);
      item.remove();
      count();
    });
    item.append(sample, document.createTextNode(file.path.split("/")[0] === file.name ? "" : file.path.split("/")[0]), " ", remove);
    return item;
  }

  // A table of labels for samples of which some have none yet.
  function table() {
    const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
    const lines = files.map((file) => `${quoted(file.path)},${quoted(file.path.slice(0, -file.name.length - 1))}`);
    return new File([["file,label", ...lines, ""].join("\n")], "labels.csv", { type: "text/csv" });
  }

  document.addEventListener("captured", ({ detail: file }) => {
    if (!checked()) return;
    const folder = label.value.trim();
    file.path = folder ? `${folder}/${file.name}` : file.name;
    files.push(file);
    list.append(shown(file));
    count();
  });
  label.addEventListener("input", () => label.setCustomValidity(""));
  bring.addEventListener("click", () => {
    const detail = files.every((file) => file.path.includes("/")) ? files : [...files, table()];
    document.getElementById("drop").dispatchEvent(new CustomEvent("collected", { detail }));
    files = []; // they are the upload's now, which goes on after a break
    list.replaceChildren();
    count();
  });
  document.getElementById("discard_captured").addEventListener("click", () => {
    files = [];
    list.replaceChildren();
    count();
  });
  addEventListener("beforeunload", (event) => {
    if (files.length) event.preventDefault();
  });
})();
