// The page: filters, the sample that is shown, labels with their keys, and what is sent.
import { Stage, colourOf } from "./label_canvas.js";
import { Grid } from "./label_grid.js";
import { Queue } from "./label_queue.js";
import { Player } from "./label_sound.js";

const root = document.getElementById("label");
const texts = JSON.parse(root.dataset.texts);
const address = root.dataset.address;
const token = document.querySelector("meta[name=form-token]").content;
const $ = (id) => document.getElementById(id);
const text = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
const RESERVED = "xzygsc"; // keys with another meaning
const AHEAD = 8; // pictures that are loaded before they are asked for
const STORED = 40; // pictures that are kept
const SECONDS = 2; // between two questions for what others changed

let state = null; // what the server says of the draft
let list = { samples: [], total: 0, ended: false, loading: null, query: "" };
let index = 0;
let isGrid = false;
let activeLabel = "";
let keys = new Map();
let isSaving = false;
let seen = 0; // the number of the last change that is shown
const byFile = new Map();
const pictures = new Map();
const own = new Set(); // ids of actions that were sent from here

const stage = new Stage($("canvas"), {
  edited: (boxes) => change([current()], { boxes }),
  chosen: () => showLabels(),
  label: () => activeLabel,
});
const player = new Player(
  async (sample) => (await fetched(`/view/sound/${sample.number}?revision=${state.revision}`)).arrayBuffer(),
  (head) => {
    stage.head = head;
    stage.draw();
    $("play").textContent = text(head === null ? "play" : "stop");
  },
);
const grid = new Grid($("tiles"), {
  address: (sample) => `${address}/view/thumbnail/${sample.number}?revision=${state.revision}`,
  caption,
  chosen: (files) => {
    $("chosen").textContent = text("chosen", { count: files.size });
  },
  open: (place) => {
    index = place;
    setGrid(false);
  },
});
const queue = new Queue({
  send,
  storage: localStorage,
  key: `aiwf-unsaved ${location.pathname} `,
  taken,
  state: showQueue,
});

const current = () => list.samples[index];
const who = () => $("who").value.trim() || "me";

function notice(message, isBad = false) {
  $("notice").textContent = message;
  $("notice").className = isBad ? "bad" : "soft";
}

async function fetched(path, options = {}) {
  const answer = await fetch(address + path, { ...options, headers: { "X-AIWF-Token": token, Accept: "application/json", ...options.headers } });
  if (answer.ok) return answer;
  const refused = await answer.json().catch(() => ({ problem: `HTTP ${answer.status}`, remedy: "" }));
  const error = new Error(`${refused.problem} ${refused.remedy || ""}`.trim());
  throw Object.assign(error, { status: answer.status, final: answer.status < 500 });
}

const asked = async (path, options) => (await fetched(path, options)).json();
const posted = (path, content) => asked(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });

// --- changes ---

function send(actions) {
  const sent = actions.map(({ action, kind, changes }) => ({ action, kind, changes }));
  return posted("/actions", { who: actions[0].who, actions: sent });
}

function push(action) {
  const id = crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16).padStart(8, "0")).join("-");
  own.add(id);
  queue.push({ action: id, who: who(), time: Date.now() * 1000 + (own.size % 1000), ...action });
}

// Changes fields of samples here at once, and sends what was and what is.
function change(samples, after) {
  const differs = (sample) => Object.keys(after).some((key) => JSON.stringify(sample[key]) !== JSON.stringify(after[key]));
  const changes = samples.filter(differs).map((sample) => ({
    file: sample.file,
    before: Object.fromEntries(Object.keys(after).map((key) => [key, sample[key]])),
    after,
  }));
  if (!changes.length) return;
  for (let start = 0; start < changes.length; start += 2000) push({ kind: "change", changes: changes.slice(start, start + 2000) });
  const files = new Set(changes.map((each) => each.file));
  for (const sample of samples) if (files.has(sample.file)) Object.assign(sample, structuredClone(after));
  changed(files);
}

function changed(files) {
  if (isGrid) grid.update(files);
  if (current() && files.has(current().file)) showFields();
  clearTimeout(changed.timer);
  changed.timer = setTimeout(recount, 1500);
}

// Asks for the numbers until the studio answers.
function recount() {
  refreshState().catch(() => {
    clearTimeout(changed.timer);
    changed.timer = setTimeout(recount, 1000 * SECONDS);
  });
}

// What the server says of samples counts, unless there is something newer of them here.
function absorb(samples) {
  const waiting = queue.files();
  const files = new Set();
  for (const sample of samples) {
    const mine = byFile.get(sample.file);
    if (mine && !waiting.has(sample.file)) {
      Object.assign(mine, sample);
      files.add(sample.file);
    }
  }
  if (files.size) changed(files);
}

function taken(answer, actions) {
  for (const result of answer.results) {
    const action = actions.find((each) => each.action === result.action);
    absorb(result.samples || []);
    if (result.authors) {
      const file = result.conflicts[0];
      notice(text("conflict", { who: result.authors[file] || "?", file }), true);
    } else if (result.problem) notice(text("refused", { problem: result.problem }), true);
    else if ((result.conflicts || []).length) notice(text("partly_undone", { count: result.conflicts.length }), true);
    else if (action.kind !== "change" && result.samples.length) {
      notice(text("undone", { file: result.samples[0].file }));
      const place = list.samples.findIndex((sample) => sample.file === result.samples[0].file);
      if (place >= 0 && !isGrid) go(place);
    }
  }
  $("undo").disabled = !answer.undo;
  $("redo").disabled = !answer.redo;
  if (answer.revision !== state.revision && !isSaving) notice(text("stale"), true);
}

function showQueue({ waiting, failures, stopped }) {
  const key = failures ? "offline" : waiting.length ? "unsaved" : "saved";
  $("unsaved").textContent = stopped ? text("refused", { problem: stopped }) : text(key, { count: waiting.length });
  $("unsaved").className = waiting.length && (failures || stopped) ? "bad" : waiting.length ? "doubt" : "good";
  root.dataset.unsaved = waiting.length;
  if (waiting.length) $("undo").disabled = false;
}

async function askForChanges() {
  try {
    const found = await asked(`/changes?after=${seen}`);
    if (isSaving) throw new Error("the next answer is of the new revision");
    if (found.revision !== state.revision) notice(text("stale"), true);
    seen = found.number;
    if (found.suggestions.rounds !== state.suggestions.rounds) {
      await refreshState();
      if ($("status").value === "learn") await filter();
    }
    showSuggestions(found.suggestions);
    const foreign = found.entries.filter((entry) => !own.has(entry.action) && entry.files);
    absorb(found.samples);
    if (foreign.length) {
      const last = foreign[foreign.length - 1].who;
      notice(text("changed_by", { who: last, count: foreign.reduce((sum, entry) => sum + entry.files, 0) }));
    }
  } catch {
    // the studio is being restarted, or saves: what is not kept is shown beside the labels
  }
  setTimeout(askForChanges, 1000 * SECONDS);
}

// How far the model is that suggests labels.
function showSuggestions(suggestions) {
  state.suggestions = suggestions;
  const { to_learn: learn, to_test: test } = state.counts;
  $("suggesting").hidden = !(learn + test);
  for (const option of document.querySelectorAll(".to-label")) option.hidden = !(learn + test) && $("status").value !== option.value;
  $("suggest").hidden = !state.model || !learn;
  $("suggest").disabled = suggestions.running;
  const parts = [];
  if (suggestions.running) parts.push(text("suggesting"));
  else if (suggestions.problem) parts.push(text("not_suggested", { problem: suggestions.problem }));
  else parts.push(text("suggestions", { learn: learn.toLocaleString(), test: test.toLocaleString() }));
  if (suggestions.drawn) parts.push(text("drawn", { count: suggestions.drawn }));
  $("suggest_state").textContent = parts.join(" ");
}

async function suggest() {
  $("suggest").disabled = true;
  try {
    await posted("/suggest", {});
    await refreshState();
  } catch (error) {
    notice(error.message, true);
    $("suggest").disabled = false;
  }
}

// --- the list ---

function query() {
  const values = new URLSearchParams();
  const status = $("status").value;
  if (status === "excluded") values.set("excluded", "1");
  if (status === "reviewed") values.set("reviewed", "1");
  if (status === "unreviewed") values.set("reviewed", "0");
  if (status === "suspects") values.set("suspects", "1");
  if (status === "learn" || status === "test") values.set("to_label", status);
  if ($("of_label").value !== "*") values.set("label", $("of_label").value.slice(1));
  if ($("of_split").value !== "all") values.set("split", $("of_split").value);
  if ($("find").value.trim()) values.set("find", $("find").value.trim());
  return values;
}

async function filter() {
  const values = query();
  list = { samples: [], total: 0, ended: false, loading: null, query: values };
  index = 0;
  await load(list);
  grid.show(list.samples);
  show();
}

function load(mine) {
  if (mine.ended) return Promise.resolve();
  mine.loading ||= (async () => {
    const values = new URLSearchParams(mine.query);
    const last = mine.samples[mine.samples.length - 1];
    values.set("limit", "100");
    if (last) values.set("after", last.number);
    try {
      const found = await asked(`/samples?${values}`);
      if (found.revision !== state.revision) {
        mine.ended = true;
        return notice(text("stale"), true);
      }
      if (found.total !== undefined) mine.total = found.total;
      mine.ended = found.samples.length < 100;
      for (const sample of found.samples) {
        const shared = byFile.get(sample.file) || sample;
        if (shared !== sample && !queue.files().has(sample.file)) Object.assign(shared, sample);
        byFile.set(sample.file, shared);
        mine.samples.push(shared);
      }
    } catch (error) {
      notice(error.message, true);
    } finally {
      mine.loading = null;
    }
  })();
  return mine.loading;
}

async function go(place) {
  if (place < 0) return;
  if (place >= list.samples.length && !list.ended) await load(list);
  if (place >= list.samples.length) return notice(text(list.samples.length ? "end" : "nothing"));
  if (list.samples.length - place < 40) load(list);
  index = place;
  show();
}

// --- one sample ---

function picture(sample) {
  let found = pictures.get(sample.number);
  if (!found) {
    found = (async () => {
      const answer = await fetched(`/view/view/${sample.number}?revision=${state.revision}`);
      const bitmap = await createImageBitmap(await answer.blob());
      const side = (name, own) => Number(answer.headers.get(name)) || own;
      return { bitmap, width: side("x-width", bitmap.width), height: side("x-height", bitmap.height) };
    })();
    found.catch(() => pictures.delete(sample.number));
    pictures.set(sample.number, found);
    while (pictures.size > STORED) pictures.delete(pictures.keys().next().value);
  }
  return found;
}

async function show() {
  const sample = current();
  $("one").hidden = isGrid || !sample;
  $("many").hidden = !isGrid;
  if (isGrid) return;
  if (!sample) return notice(text("nothing"));
  const began = performance.now();
  player.stop();
  showFields();
  let shown = null;
  try {
    shown = await picture(sample);
  } catch (error) {
    if (current() === sample) notice(text("cannot_show", { problem: error.message }), true);
  }
  if (current() !== sample) return;
  stage.editing = state.modality === "sounds" ? "region" : state.kind === "boxes" ? "boxes" : "";
  stage.show(shown, sample.boxes);
  performance.measure("next sample", { start: began });
  for (let step = 1; step <= AHEAD; step++) {
    const next = list.samples[index + step];
    if (next) picture(next).catch(() => {});
  }
}

function showFields() {
  const sample = current();
  if (!sample) return;
  $("file").textContent = sample.file;
  $("canvas").setAttribute("aria-label", text("picture", { file: sample.file }));
  $("place").textContent = text("of", { place: index + 1, total: list.total });
  $("is_reviewed").hidden = !sample.reviewed;
  $("is_excluded").hidden = !sample.excluded;
  $("group").textContent = sample.group ? text("group", { group: sample.group }) : "";
  $("leave_out").textContent = text(sample.excluded ? "take_back" : "leave_out");
  $("split").value = sample.split;
  const isDoubted = sample.doubt > 0 && sample.suggestion !== sample.label;
  const doubt = sample.doubt.toFixed(2);
  const why = sample.problem ? [sample.problem] : [];
  if (isDoubted) why.push(sample.suggestion ? text("suggested", { label: sample.suggestion, doubt }) : text("doubted", { doubt }));
  const proposal = proposalOf(sample);
  if (proposal && proposal.boxes) why.push(text("proposed_boxes", { count: proposal.boxes.length }));
  else if (proposal) why.push(text("proposed", { label: sample.suggestion, score: Math.round(100 * sample.score) }));
  $("doubt").textContent = why.join(" ");
  $("accept").hidden = !(proposal || (isDoubted && sample.suggestion));
  $("accept").textContent = proposal && proposal.boxes ? text("accept_boxes", { count: proposal.boxes.length }) : text("accept", { label: sample.suggestion });
  stage.proposed = proposal && proposal.boxes ? proposal.boxes : [];
  if (stage.boxes !== sample.boxes && state.kind === "boxes") {
    stage.boxes = sample.boxes;
    if (stage.chosen >= sample.boxes.length) stage.chosen = -1;
    stage.draw();
  }
  showLabels();
}

// What the model suggests for a sample without a label: the fields that accepting it would set.
function proposalOf(sample) {
  if (sample.reviewed || sample.label || sample.boxes.length) return null;
  if (state.kind === "boxes") {
    return sample.suggested_boxes.length ? { boxes: sample.suggested_boxes.map((box) => box.slice(0, 5)) } : null;
  }
  return sample.suggestion ? { label: sample.suggestion } : null;
}

function caption(sample) {
  if (state.kind !== "boxes") return sample.label || text("unlabelled");
  const counts = {};
  for (const [label] of sample.boxes) counts[label] = (counts[label] || 0) + 1;
  return Object.entries(counts).map(([label, count]) => `${label} ${count}`).join(", ") || text("unlabelled");
}

// --- labels ---

function keysOf(labels) {
  const free = [..."123456789"];
  const letters = [..."abdefhijklmnopqrtuvw"];
  const found = new Map();
  for (const label of labels) {
    let key = free.shift();
    if (!key) {
      const wanted = [...label.toLowerCase()].find((letter) => letters.includes(letter)) || letters[0];
      key = wanted || "";
      if (wanted) letters.splice(letters.indexOf(wanted), 1);
    }
    if (key && !RESERVED.includes(key)) found.set(key, label);
  }
  return found;
}

function showLabels() {
  const sample = current();
  const chosen = stage.chosen >= 0 && sample && state.kind === "boxes" ? (sample.boxes[stage.chosen] || [])[0] : null;
  const pressed = state.kind === "boxes" ? chosen || activeLabel : sample && sample.label;
  for (const button of $("labels").children) button.setAttribute("aria-pressed", button.dataset.label === pressed);
}

function buildLabels() {
  const labels = Object.keys(state.labels);
  if (!activeLabel) activeLabel = labels[0] || "";
  keys = keysOf(labels);
  const keyOf = new Map([...keys].map(([key, label]) => [label, key]));
  $("labels").replaceChildren(...labels.map((label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.label = label;
    const [key, name, count] = ["kbd", "span", "span"].map((tag) => document.createElement(tag));
    key.textContent = keyOf.get(label) || "";
    name.textContent = label;
    if (state.kind === "boxes") name.style.borderLeft = `6px solid ${colourOf(label)}`;
    if (state.kind === "boxes") name.style.paddingLeft = "8px";
    count.className = "n";
    count.textContent = state.labels[label];
    button.append(key, name, count);
    button.addEventListener("click", () => take(label));
    return button;
  }));
  options($("of_label"), [["*", text("all")], ["=", text("unlabelled")], ...labels.map((label) => [`=${label}`, label])]);
  options($("bulk_label"), [["*", "…"], ...labels.map((label) => [`=${label}`, label])]);
  showLabels();
}

function options(select, pairs) {
  const value = select.value;
  select.replaceChildren(...pairs.map(([key, name]) => new Option(name, key)));
  select.value = pairs.some(([key]) => key === value) ? value : pairs[0][0];
}

// A label was named: by its key, by a click, or as a new one.
function take(label) {
  if (!(label in state.labels)) {
    state.labels[label] = 0;
    buildLabels();
  }
  if (state.kind === "boxes") {
    activeLabel = label;
    const sample = current();
    if (!isGrid && sample && stage.chosen >= 0) {
      const boxes = structuredClone(sample.boxes);
      boxes[stage.chosen][0] = label;
      change([sample], { boxes });
    }
    return showLabels();
  }
  if (isGrid) return change(grid.chosenSamples(), { label, reviewed: true });
  if (!current()) return;
  change([current()], { label, reviewed: true });
  go(index + 1);
}

// --- commands ---

const commands = {
  previous: () => go(index - 1),
  next: () => go(index + 1),
  confirm: () => {
    if (isGrid) return change(grid.chosenSamples(), { reviewed: true });
    if (!current()) return;
    const isEmpty = state.kind !== "boxes" && !current().label; // there is nothing to confirm yet
    if (!isEmpty) change([current()], { reviewed: true });
    go(index + 1);
  },
  accept: () => {
    const sample = current();
    const proposal = !isGrid && sample && proposalOf(sample);
    if (proposal && proposal.boxes) {
      change([sample], { ...proposal, reviewed: true });
      go(index + 1);
    } else if (!isGrid && sample && sample.suggestion) take(sample.suggestion);
  },
  leave_out: () => {
    const samples = isGrid ? grid.chosenSamples() : current() ? [current()] : [];
    if (samples.length) change(samples, { excluded: !samples.every((sample) => sample.excluded) });
    if (!isGrid && samples.length && samples[0].excluded) go(index + 1);
  },
  undo: () => push({ kind: "undo" }),
  redo: () => push({ kind: "redo" }),
  zoom_in: () => stage.zoom(1.25),
  zoom_out: () => stage.zoom(0.8),
  fit: () => stage.fit(),
  play: () => (player.playing ? player.stop() : current() && player.play(current(), stage.region).catch((error) => notice(error.message, true))),
  delete_box: () => {
    const sample = current();
    if (!sample || stage.chosen < 0) return;
    const boxes = sample.boxes.filter((_, place) => place !== stage.chosen);
    stage.chosen = -1;
    change([sample], { boxes });
  },
  copy_box: () => {
    const sample = current();
    if (!sample || stage.chosen < 0) return;
    const [label, left, top, right, bottom] = sample.boxes[stage.chosen];
    const { width, height } = stage.picture;
    const dx = right + 10 <= width ? 10 : -Math.min(10, left);
    const dy = bottom + 10 <= height ? 10 : -Math.min(10, top);
    const boxes = [...sample.boxes, [label, left + dx, top + dy, right + dx, bottom + dy]];
    stage.chosen = boxes.length - 1;
    change([sample], { boxes });
  },
};

async function move(samples, split) {
  const groups = [...new Set(samples.map((sample) => sample.group).filter(Boolean))];
  const all = new Map(samples.map((sample) => [sample.file, sample]));
  for (const group of groups) {
    for (let after = 0; ;) {
      const found = await asked(`/samples?${new URLSearchParams({ group, excluded: "", limit: "200", after })}`);
      for (const sample of found.samples) {
        const shared = byFile.get(sample.file) || sample;
        byFile.set(sample.file, shared);
        all.set(sample.file, shared);
      }
      if (found.samples.length < 200) break;
      after = found.samples[found.samples.length - 1].number;
    }
  }
  change([...all.values()], { split });
  if (all.size > samples.length) notice(text("group_moved", { count: all.size - samples.length }));
}

function setGrid(isMany) {
  isGrid = isMany;
  player.stop();
  $("single").setAttribute("aria-pressed", !isMany);
  $("grid").setAttribute("aria-pressed", isMany);
  if (isMany) {
    grid.extend();
    grid.update();
  }
  show();
}

function pressed(event) {
  const isTyping = event.target.matches("input, select, textarea") || !state;
  if (isTyping || event.isComposing) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (!"zy".includes(key) || key.length !== 1) return;
  }
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const isButton = event.target.matches("button, a, summary") && !event.target.matches("#canvas");
  if (event.altKey && arrows[key] && state.kind === "boxes" && !isGrid) stage.nudge(...arrows[key], event.shiftKey);
  else if (event.altKey) return;
  else if (key === "ArrowLeft" && !isGrid) commands.previous();
  else if (key === "ArrowRight" && !isGrid) commands.next();
  else if (key === "Enter" && !isButton) commands.confirm();
  else if (key === "z" && event.shiftKey) commands.redo();
  else if (key === "z") commands.undo();
  else if (key === "y") commands.redo();
  else if (key === "x") commands.leave_out();
  else if (key === "g") setGrid(!isGrid);
  else if (key === "s") commands.accept();
  else if (key === "+" || key === "=") commands.zoom_in();
  else if (key === "-") commands.zoom_out();
  else if (key === "0") commands.fit();
  else if (key === " " && state.modality === "sounds" && !isButton && !isGrid) commands.play();
  else if (key === "c" && state.kind === "boxes") commands.copy_box();
  else if ((key === "Delete" || key === "Backspace") && state.kind === "boxes") commands.delete_box();
  else if (key === "Tab" && state.kind === "boxes" && event.target === $("canvas") && current() && stage.chosen + 1 < current().boxes.length && !event.shiftKey) {
    stage.chosen += 1;
    stage.draw();
    showLabels();
  } else if (key === "Escape") {
    stage.chosen = -1;
    stage.draw();
    showLabels();
  } else if (keys.has(key)) take(keys.get(key));
  else return;
  event.preventDefault();
}

// --- saving and the beginning ---

async function save(event) {
  event.preventDefault();
  if (queue.waiting.length) return notice(text("unsaved", { count: queue.waiting.length }), true);
  isSaving = $("save_button").disabled = true;
  $("saved").textContent = text("saving");
  try {
    const found = await posted("/save", { note: $("note").value });
    await refreshState(true);
    const message = document.createElement("span");
    message.textContent = text("revised", { revision: found.revision.slice(0, 8), count: found.samples });
    for (const notice of found.notices) message.textContent += ` (${notice})`;
    if (found.unusable.length) message.textContent += ` ${text("unusable", { count: found.unusable.length, file: found.unusable[0] })}`;
    const train = document.createElement("a");
    train.href = root.dataset.train;
    train.textContent = text("train");
    $("saved").replaceChildren(message, " ", train);
    $("note").value = "";
    pictures.clear();
    await filter();
  } catch (error) {
    $("saved").textContent = error.message;
  }
  isSaving = $("save_button").disabled = false;
}

async function refreshState(isNew = false) {
  const found = await asked(`/state?${new URLSearchParams({ who: who() })}`);
  if (state && found.revision !== state.revision && isNew !== true) return isSaving || notice(text("stale"), true);
  const added = state ? Object.keys(state.labels).filter((label) => !(label in found.labels)) : [];
  for (const label of added) found.labels[label] = 0;
  state = found;
  if (isNew === true) seen = found.number;
  $("counts").textContent = text("counts", Object.fromEntries(Object.entries(found.counts).map(([key, count]) => [key, count.toLocaleString()])));
  $("suspects").hidden = $("faults").hidden = !found.model;
  $("undo").disabled = !found.undo && !queue.waiting.length;
  $("redo").disabled = !found.redo;
  buildLabels();
  showSuggestions(found.suggestions);
}

async function begin() {
  $("who").value = localStorage.getItem("aiwf-person") || "";
  try {
    await refreshState(true);
  } catch (error) {
    $("reading").textContent = error.message;
    $("reading").className = "bad";
    return;
  }
  $("reading").remove();
  $("stage").dataset.kind = state.kind;
  for (const [name, isShown] of [["for-boxes", state.kind === "boxes"], ["for-labels", state.kind !== "boxes"], ["for-sounds", state.modality === "sounds"]]) {
    for (const element of document.querySelectorAll(`.${name}`)) element.hidden = !isShown;
  }
  if (state.dropped.length) notice(text("dropped", { count: state.dropped.length, file: state.dropped[0] }), true);
  for (const [id, command] of Object.entries(commands)) $(id).addEventListener("click", command);
  $("single").addEventListener("click", () => setGrid(false));
  $("grid").addEventListener("click", () => setGrid(true));
  $("choose_all").addEventListener("click", () => grid.choose(list.samples.keys(), true));
  $("choose_none").addEventListener("click", () => grid.choose([], false));
  $("bulk_confirm").addEventListener("click", commands.confirm);
  $("bulk_leave_out").addEventListener("click", commands.leave_out);
  $("bulk_label").addEventListener("change", () => {
    if ($("bulk_label").value !== "*") take($("bulk_label").value.slice(1));
    $("bulk_label").value = "*";
  });
  $("bulk_split").addEventListener("change", () => {
    if ($("bulk_split").value !== "-") move(grid.chosenSamples(), $("bulk_split").value).catch((error) => notice(error.message, true));
    $("bulk_split").value = "-";
  });
  $("split").addEventListener("change", () => {
    move([current()], $("split").value).catch((error) => notice(error.message, true));
    $("split").blur();
  });
  for (const id of ["status", "of_label", "of_split"]) $(id).addEventListener("change", () => { $(id).blur(); filter(); });
  $("find").addEventListener("input", () => {
    clearTimeout(filter.timer);
    filter.timer = setTimeout(filter, 250);
  });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("suggest").addEventListener("click", suggest);
  $("new").addEventListener("submit", (event) => {
    event.preventDefault();
    const label = $("new_label").value.trim();
    if (label) take(label);
    $("new_label").value = "";
    $("new_label").blur();
  });
  $("who").addEventListener("change", () => {
    localStorage.setItem("aiwf-person", who());
    recount();
  });
  $("save").addEventListener("submit", save);
  addEventListener("keydown", pressed);
  addEventListener("beforeunload", (event) => {
    if (queue.waiting.length) event.preventDefault();
  });
  const observer = new IntersectionObserver(async (entries) => {
    if (!isGrid || list.ended || !entries.some((entry) => entry.isIntersecting)) return;
    await load(list);
    grid.extend();
    observer.unobserve($("end")); // observed anew, it is told again if the page is not full yet
    observer.observe($("end"));
  }, { rootMargin: "600px" });
  observer.observe($("end"));
  const wanted = new URLSearchParams(location.search).get("status");
  if (wanted && [...$("status").options].some((option) => option.value === wanted)) $("status").value = wanted;
  showQueue(queue);
  queue.restore();
  await filter();
  setTimeout(askForChanges, 1000 * SECONDS);
}

begin();
