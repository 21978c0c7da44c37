// Shows one picture, or one spectrogram, with zoom and pan; boxes and regions are drawn over it.
const HANDLE = 9; // half a side of a box's corner, in pixels of the screen
const MOST = 40; // times its own size

export function colourOf(label) {
  let hash = 7;
  for (const letter of label) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  return `hsl(${(hash * 47) % 360} 90% 65%)`;
}

export class Stage {
  constructor(canvas, handlers) {
    Object.assign(this, { canvas, handlers });
    this.picture = null;
    this.boxes = [];
    this.proposed = []; // what a model suggests, drawn dashed
    this.chosen = -1;
    this.region = null;
    this.head = null; // the place of what is played, 0 to 1
    this.drag = null;
    this.pointers = new Map();
    this.editing = "";
    new ResizeObserver(() => this.fit()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.up(event));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
    }, { passive: false });
  }

  // `picture`: {bitmap, width, height}; null shows nothing.
  show(picture, boxes) {
    this.picture = picture;
    this.boxes = boxes;
    this.chosen = -1;
    this.region = this.drag = this.head = null;
    this.fit();
  }

  fit() {
    const { clientWidth: wide, clientHeight: high } = this.canvas;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(wide * ratio);
    this.canvas.height = Math.round(high * ratio);
    if (this.picture) {
      this.smallest = Math.min(wide / this.picture.width, high / this.picture.height);
      this.scale = this.smallest;
      this.left = (wide - this.picture.width * this.scale) / 2;
      this.top = (high - this.picture.height * this.scale) / 2;
    }
    this.draw();
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    if (!this.picture) return;
    const scale = Math.min(Math.max(this.scale * factor, this.smallest / 2), Math.max(MOST, this.smallest * 8));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.draw();
  }

  draw() {
    const pen = this.canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    if (!this.picture) return;
    const { bitmap, width, height } = this.picture;
    pen.imageSmoothingEnabled = (this.scale * width) / bitmap.width < 3;
    pen.drawImage(bitmap, this.left, this.top, width * this.scale, height * this.scale);
    const chosen = this.chosen;
    pen.setLineDash([6, 5]);
    for (const box of this.proposed) this.drawBox(pen, box, false);
    pen.setLineDash([]);
    this.boxes.forEach((box, index) => this.drawBox(pen, box, index === chosen));
    if (this.drag && this.drag.box) this.drawBox(pen, this.drag.box, true);
    if (this.region) this.drawRegion(pen);
    if (this.head !== null) {
      pen.fillStyle = "#fff";
      pen.fillRect(this.left + this.head * width * this.scale - 1, this.top, 2, height * this.scale);
    }
  }

  drawBox(pen, [label, left, top, right, bottom], isChosen) {
    const [x, y] = [this.left + left * this.scale, this.top + top * this.scale];
    const [wide, high] = [(right - left) * this.scale, (bottom - top) * this.scale];
    pen.lineWidth = isChosen ? 5 : 4;
    pen.strokeStyle = "rgba(0,0,0,.55)";
    pen.strokeRect(x, y, wide, high);
    pen.lineWidth = isChosen ? 3 : 2;
    pen.strokeStyle = colourOf(label);
    pen.strokeRect(x, y, wide, high);
    pen.font = "600 13px system-ui, sans-serif";
    const length = pen.measureText(label).width + 10;
    const above = y > 20 ? y - 19 : y;
    pen.fillStyle = colourOf(label);
    pen.fillRect(x - 1, above, length, 19);
    pen.fillStyle = "#000";
    pen.fillText(label, x + 4, above + 14);
    if (!isChosen) return;
    pen.fillStyle = "#fff";
    pen.strokeStyle = "#000";
    pen.lineWidth = 1;
    for (const [cx, cy] of [[x, y], [x + wide, y], [x, y + high], [x + wide, y + high]]) {
      pen.fillRect(cx - 4, cy - 4, 8, 8);
      pen.strokeRect(cx - 4, cy - 4, 8, 8);
    }
  }

  drawRegion(pen) {
    const wide = this.picture.width * this.scale;
    pen.fillStyle = "rgba(255,255,255,.25)";
    pen.fillRect(this.left + this.region[0] * wide, this.top, (this.region[1] - this.region[0]) * wide, this.picture.height * this.scale);
  }

  at(event) {
    const clip = (value, most) => Math.min(Math.max(value, 0), most);
    return [
      clip((event.offsetX - this.left) / this.scale, this.picture.width),
      clip((event.offsetY - this.top) / this.scale, this.picture.height),
    ];
  }

  // The box and corner under the pointer: the chosen one first, then the smallest.
  hit(event) {
    const near = (box) => {
      const xs = [1, 3].map((edge) => this.left + box[edge] * this.scale);
      const ys = [2, 4].map((edge) => this.top + box[edge] * this.scale);
      for (const [i, x] of xs.entries()) {
        for (const [j, y] of ys.entries()) {
          if (Math.abs(event.offsetX - x) <= HANDLE && Math.abs(event.offsetY - y) <= HANDLE) return [i, j];
        }
      }
      return null;
    };
    if (this.chosen >= 0) {
      const corner = near(this.boxes[this.chosen]);
      if (corner) return { index: this.chosen, corner };
    }
    const [x, y] = this.at(event);
    const size = (box) => (box[3] - box[1]) * (box[4] - box[2]);
    const inside = [...this.boxes.keys()].filter((index) => {
      const [, left, top, right, bottom] = this.boxes[index];
      return x >= left && x <= right && y >= top && y <= bottom;
    });
    if (!inside.length) return null;
    inside.sort((a, b) => size(this.boxes[a]) - size(this.boxes[b]));
    return { index: inside.includes(this.chosen) ? this.chosen : inside[0], corner: null };
  }

  down(event) {
    if (!this.picture || event.button > 1) return;
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.pointers.size > 1) {
      this.drag = { mode: "pinch" };
      this.draw();
      return;
    }
    const start = this.at(event);
    const screen = [event.offsetX, event.offsetY];
    if (this.editing === "region" && !event.shiftKey && event.button === 0) {
      this.drag = { mode: "region", start };
    } else if (this.editing !== "boxes" || event.shiftKey || event.button === 1) {
      this.drag = { mode: "pan", screen, left: this.left, top: this.top };
    } else {
      const hit = this.hit(event);
      if (hit) {
        this.chosen = hit.index;
        const box = [...this.boxes[hit.index]];
        this.drag = { mode: hit.corner ? "resize" : "move", start, corner: hit.corner, box, was: [...box], moved: false };
        this.handlers.chosen(hit.index);
      } else {
        this.chosen = -1;
        this.handlers.chosen(-1);
        this.drag = { mode: "draw", start };
      }
    }
    this.draw();
  }

  move(event) {
    if (!this.drag) return;
    const before = this.pointers.get(event.pointerId);
    if (this.drag.mode === "pinch") {
      const rest = [...this.pointers].find(([id]) => id !== event.pointerId);
      if (before && rest) {
        const far = ([x, y]) => Math.hypot(x - rest[1][0], y - rest[1][1]);
        this.left += (event.offsetX - before[0]) / 2;
        this.top += (event.offsetY - before[1]) / 2;
        this.zoom(far([event.offsetX, event.offsetY]) / Math.max(far(before), 1), rest[1][0], rest[1][1]);
      }
    }
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.drag.mode === "pan") {
      this.left = this.drag.left + event.offsetX - this.drag.screen[0];
      this.top = this.drag.top + event.offsetY - this.drag.screen[1];
    } else if (this.drag.mode !== "pinch") {
      this.edit(this.at(event));
    }
    this.draw();
  }

  edit([x, y]) {
    const { mode, start, was, corner } = this.drag;
    const { width, height } = this.picture;
    if (mode === "region") {
      const [from, to] = [start[0], x].sort((a, b) => a - b);
      this.region = [from / width, to / width];
    } else if (mode === "draw") {
      const label = this.handlers.label();
      this.drag.box = [label, Math.min(start[0], x), Math.min(start[1], y), Math.max(start[0], x), Math.max(start[1], y)];
    } else if (mode === "move") {
      this.drag.moved = true;
      const dx = Math.min(Math.max(x - start[0], -was[1]), width - was[3]);
      const dy = Math.min(Math.max(y - start[1], -was[2]), height - was[4]);
      this.drag.box = [was[0], was[1] + dx, was[2] + dy, was[3] + dx, was[4] + dy];
    } else if (mode === "resize") {
      this.drag.moved = true;
      const box = [...was];
      box[corner[0] ? 3 : 1] = x;
      box[corner[1] ? 4 : 2] = y;
      this.drag.box = [box[0], Math.min(box[1], box[3]), Math.min(box[2], box[4]), Math.max(box[1], box[3]), Math.max(box[2], box[4])];
    }
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    const drag = this.drag;
    if (!drag || (drag.mode === "pinch" && this.pointers.size)) return;
    this.drag = null;
    const isCancelled = event.type === "pointercancel";
    if (drag.mode === "region") {
      if (!this.region || (this.region[1] - this.region[0]) * this.picture.width * this.scale < 4) this.region = null;
    } else if (drag.box && !isCancelled && (drag.mode === "draw" || drag.moved)) {
      const box = rounded(drag.box);
      const isLargeEnough = box[3] - box[1] >= 1 && box[4] - box[2] >= 1;
      const isMeant = drag.mode !== "draw" || (box[3] - box[1]) * this.scale > 4 || (box[4] - box[2]) * this.scale > 4;
      if (isLargeEnough && isMeant) {
        const index = drag.mode === "draw" ? this.boxes.length : this.chosen;
        const boxes = [...this.boxes];
        boxes[index] = box;
        this.chosen = index;
        this.handlers.edited(boxes);
      }
    }
    this.draw();
  }

  // Moves or resizes the chosen box by whole pixels of the picture.
  nudge(dx, dy, resizes) {
    if (this.chosen < 0) return;
    const [label, left, top, right, bottom] = this.boxes[this.chosen];
    const { width, height } = this.picture;
    const clip = (value, least, most) => Math.min(Math.max(value, least), most);
    let box;
    if (resizes) box = [label, left, top, clip(right + dx, left + 1, width), clip(bottom + dy, top + 1, height)];
    else {
      const [x, y] = [clip(dx, -left, width - right), clip(dy, -top, height - bottom)];
      box = [label, left + x, top + y, right + x, bottom + y];
    }
    const boxes = [...this.boxes];
    boxes[this.chosen] = rounded(box);
    this.handlers.edited(boxes);
  }
}

export function rounded([label, ...edges]) {
  return [label, ...edges.map((edge) => Math.round(edge * 10) / 10)];
}
