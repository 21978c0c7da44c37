// The grid: many samples at once, chosen by click, Shift or a rubber band.
const FAR = 6; // pixels from which a drag is a rubber band

export class Grid {
  constructor(tiles, handlers) {
    Object.assign(this, { tiles, handlers });
    this.samples = [];
    this.chosen = new Set();
    this.last = 0;
    tiles.addEventListener("pointerdown", (event) => this.down(event));
    tiles.addEventListener("pointermove", (event) => this.move(event));
    tiles.addEventListener("pointerup", (event) => this.up(event));
    tiles.addEventListener("pointercancel", () => this.end());
    tiles.addEventListener("dblclick", (event) => {
      const index = this.indexOf(event.target);
      if (index >= 0) this.handlers.open(index);
    });
    tiles.addEventListener("keydown", (event) => this.key(event));
  }

  show(samples) {
    this.samples = samples;
    this.chosen.clear();
    this.tiles.replaceChildren();
    this.extend();
  }

  // Adds a tile for each sample that came since.
  extend() {
    const added = this.samples.slice(this.tiles.querySelectorAll(".tile").length);
    this.tiles.append(...added.map((sample) => this.tile(sample)));
    this.handlers.chosen(this.chosen);
  }

  tile(sample) {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.setAttribute("role", "option");
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = "";
    image.src = this.handlers.address(sample);
    const [label, file] = [document.createElement("span"), document.createElement("span")];
    file.className = "soft";
    tile.append(image, label, file);
    this.fill(tile, sample);
    return tile;
  }

  fill(tile, sample) {
    tile.className = `tile${sample.excluded ? " excluded" : ""}${sample.reviewed ? " reviewed" : ""}`;
    tile.setAttribute("aria-selected", this.chosen.has(sample.file));
    tile.children[1].textContent = this.handlers.caption(sample);
    tile.children[2].textContent = sample.file.split("/").pop();
    tile.title = sample.file;
  }

  update(files) {
    const tiles = this.tiles.querySelectorAll(".tile");
    this.samples.forEach((sample, index) => {
      if ((!files || files.has(sample.file)) && tiles[index]) this.fill(tiles[index], sample);
    });
    this.handlers.chosen(this.chosen);
  }

  choose(indexes, isAdded) {
    if (!isAdded) this.chosen.clear();
    for (const index of indexes) this.chosen.add(this.samples[index].file);
    this.update();
  }

  chosenSamples() {
    return this.samples.filter((sample) => this.chosen.has(sample.file));
  }

  indexOf(element) {
    const tile = element.closest && element.closest(".tile");
    return tile ? [...this.tiles.querySelectorAll(".tile")].indexOf(tile) : -1;
  }

  place(event) {
    const frame = this.tiles.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  down(event) {
    if (event.button !== 0) return;
    this.start = { at: this.place(event), target: event.target, before: new Set(this.chosen), touch: event.pointerType === "touch" };
  }

  move(event) {
    if (!this.start || this.start.touch) return;
    const [x, y] = this.place(event);
    const [x0, y0] = this.start.at;
    if (!this.band && Math.hypot(x - x0, y - y0) < FAR) return;
    if (!this.band) {
      this.band = document.createElement("div");
      this.band.className = "band";
      this.tiles.append(this.band);
      this.tiles.setPointerCapture(event.pointerId);
    }
    const box = { left: Math.min(x, x0), top: Math.min(y, y0), right: Math.max(x, x0), bottom: Math.max(y, y0) };
    Object.assign(this.band.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.right - box.left}px`, height: `${box.bottom - box.top}px` });
    this.chosen = new Set(event.shiftKey || event.ctrlKey || event.metaKey ? this.start.before : []);
    [...this.tiles.querySelectorAll(".tile")].forEach((tile, index) => {
      const isApart = tile.offsetLeft > box.right || tile.offsetLeft + tile.offsetWidth < box.left || tile.offsetTop > box.bottom || tile.offsetTop + tile.offsetHeight < box.top;
      if (!isApart) this.chosen.add(this.samples[index].file);
    });
    this.update();
  }

  up(event) {
    if (this.start && !this.band) {
      const index = this.indexOf(this.start.target);
      if (index >= 0) this.click(index, event);
    }
    this.end();
  }

  end() {
    if (this.band) this.band.remove();
    this.band = this.start = null;
  }

  click(index, event) {
    const file = this.samples[index].file;
    if (event.shiftKey) {
      const [from, to] = [this.last, index].sort((a, b) => a - b);
      this.choose(Array.from({ length: to - from + 1 }, (_, place) => from + place), true);
      return;
    }
    if (this.chosen.has(file)) this.chosen.delete(file);
    else this.chosen.add(file);
    this.last = index;
    this.update(new Set([file]));
  }

  key(event) {
    const index = this.indexOf(event.target);
    if (index < 0) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    if (event.key === " ") this.click(index, event);
    else if (event.key === "Enter") this.handlers.open(index);
    else if (steps[event.key]) {
      const tile = this.tiles.querySelectorAll(".tile")[index + steps[event.key]];
      if (tile) tile.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
