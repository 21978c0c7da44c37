// Draws boxes on the inputs that wait for review, each on its own canvas; its form sends them.
import { Stage } from "./label_canvas.js";

async function pictureAt(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  const bitmap = await createImageBitmap(await answer.blob());
  const side = (name, own) => Number(answer.headers.get(name)) || own;
  return { bitmap, width: side("x-width", bitmap.width), height: side("x-height", bitmap.height) };
}

// The parts of `boxes` that lie on a picture: a box that ends outside could not be accepted.
function within({ width, height }, boxes) {
  const clipped = boxes.map(([label, left, top, right, bottom]) => [label, left, top, Math.min(right, width), Math.min(bottom, height)]);
  return clipped.filter(([, left, top, right, bottom]) => left + 1 <= right && top + 1 <= bottom);
}

function edited(item) {
  const [canvas, label, fresh, count, remove, sent] = ["canvas", "select", "[name=new_label]", ".count", ".remove", "[name=boxes]"].map((each) => item.querySelector(each));
  const named = () => fresh.value.trim() || label.value;
  const stage = new Stage(canvas, {
    edited: (boxes) => {
      if (boxes.some(([name]) => !name)) return fresh.focus(); // a box needs a label first
      stage.boxes = boxes;
      update();
    },
    chosen: () => {
      if (stage.chosen >= 0) show(stage.boxes[stage.chosen][0]);
      update();
    },
    label: named,
  });

  function show(name) {
    const isListed = [...label.options].some((option) => option.value === name);
    fresh.value = isListed ? "" : name;
    if (isListed) label.value = name;
  }

  function update() {
    sent.value = JSON.stringify(stage.boxes);
    count.textContent = count.dataset.text.replace("{count}", stage.boxes.length);
    remove.disabled = stage.chosen < 0;
    stage.draw();
  }

  function rename() {
    if (stage.chosen < 0 || !named()) return;
    stage.boxes = stage.boxes.map((box, place) => (place === stage.chosen ? [named(), ...box.slice(1)] : box));
    update();
  }

  function removeChosen() {
    if (stage.chosen < 0) return;
    stage.boxes = stage.boxes.filter((_, place) => place !== stage.chosen);
    stage.chosen = -1;
    update();
  }

  label.addEventListener("change", () => {
    fresh.value = "";
    rename();
  });
  fresh.addEventListener("change", rename);
  fresh.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it names a box: only the button accepts the input
    rename();
  });
  remove.addEventListener("click", removeChosen);
  canvas.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "Delete" || event.key === "Backspace") removeChosen();
    else if (event.altKey && arrows[event.key]) stage.nudge(...arrows[event.key], event.shiftKey);
    else return;
    event.preventDefault();
  });
  pictureAt(item.dataset.view).then((picture) => {
    stage.editing = "boxes";
    canvas.style.aspectRatio = Math.min(Math.max(picture.width / picture.height, 0.7), 2.5);
    stage.show(picture, within(picture, JSON.parse(item.dataset.boxes)));
    update();
    item.querySelector("[value=accept]").disabled = false;
  }).catch(() => { count.textContent = item.dataset.failed; });
}

document.querySelectorAll(".boxed").forEach(edited);
