// What was chosen, and what follows when something else is. The form holds the edit that is being tried; `state` the rest.

import { edited, latest, uploaded } from "./server.js";
import { bars, chain, controls, find, message, thumbnails, told } from "./view.js";

const { attributes, faces, most } = JSON.parse(find("#page").textContent);
const form = find("#form");
const state = {
  face: faces[0],
  kept: [], // steps
  base: faces[0], // the face after them
  other: false, // whether the face is another than the one the form was filled in for
  draws: [], // the faces that the steps being tried lead to
  pick: 0, // which of them is shown
  seed: 0, // of the first draw
  references: [], // faces to borrow from; of several, their mean
};

const chosen = () => (form.attribute.value === "" ? null : Number(form.attribute.value));
const has = (face, i) => face.readings[i] > 0.5;
const lacking = (i) => !state.references.every((face) => has(face, i));

/** The steps that are being tried: none, one, or one for each draw. */
function tried() {
  const i = chosen();
  if (i === null) return [];
  const operation = form.operation.value;
  const step = { operation, attribute: attributes[i][0], strength: Number(form.strength.value) };
  if (operation === "borrow") {
    if (!state.references.length || (lacking(i) && !find("#force").checked)) return [];
    const pictures = state.references.map((face) => face.image);
    return [{ ...step, reference: pictures.length > 1 ? pictures : pictures[0], force: find("#force").checked }];
  }
  step.on = form.on.value === "true";
  if (operation === "swap") return [step];
  const seeds = Array.from({ length: Number(form.count.value) }, (_, n) => state.seed + n);
  return seeds.map((seed) => ({ ...step, scale: Number(form.scale.value), seed }));
}

const refresh = latest(async () => {
  const { face, kept } = state;
  try {
    const base = kept.length ? await edited(face, kept) : face;
    if (state.other && state.face === face) {
      Object.assign(state, { base });
      begin();
      state.other = false;
    }
    const steps = tried();
    const draws = await Promise.all(steps.map((step) => edited(face, [...kept, step])));
    Object.assign(state, { base, draws });
    message(hint());
  } catch (error) {
    state.draws = [];
    message(error.message, "wrong");
  }
  draw();
});

/** What to do next, where it does not go without saying. */
function hint() {
  const i = chosen();
  if (i === null) return state.kept.length ? "" : "Choose an attribute to change.";
  if (form.operation.value !== "borrow") return "";
  if (!state.references.length) return `The editor sees ${attributes[i][1]} in none of these faces; upload one that has it.`;
  const where = state.references.length > 1 ? "every face" : "the face";
  return lacking(i) ? `The editor does not see ${attributes[i][1]} in ${where} to borrow from.` : "";
}

function draw() {
  const steps = tried();
  state.pick = Math.min(state.pick, Math.max(0, state.draws.length - 1));
  const shown = state.draws[state.pick] ?? state.base;
  find("#before").src = find("#save-before").href = state.face.image;
  find("#before").alt = "The face before editing";
  find("#after").src = find("#save").href = shown.image;
  const open = steps[state.pick];
  const words = [...state.kept, ...(open ? [open] : [])].map((step) => told(step, attributes));
  find("#after").alt = words.length ? `The face with ${words.join("; ")}` : "The face, unchanged";
  bars(state.face.readings, shown.readings);
  chain(state.kept, open, attributes);
  find("#python").textContent = shown.python ?? "";
  find("#program").hidden = !shown.python;
  find("#save").hidden = find("#program").hidden;
  find("#keep").disabled = !state.draws.length;
  find("#undo").disabled = chosen() === null && !state.kept.length;
  thumbnails(find("#faces"), faces, [state.face], "Face", chooseFace);
  drawChoice();
}

/** The draws of Diverse Swap, or the faces to borrow from. */
function drawChoice() {
  const operation = form.operation.value;
  const i = chosen();
  find("#choice").hidden = i === null || operation === "swap";
  if (find("#choice").hidden) return;
  const borrowing = operation === "borrow";
  find("#choice-title").textContent = borrowing ? "Borrow from" : "Draws";
  find("#again").hidden = borrowing;
  find("#upload-reference-label").hidden = !borrowing;
  find("#several-label").hidden = !borrowing;
  find("#force-label").hidden = !borrowing || !lacking(i);
  if (borrowing) {
    const references = candidates(i);
    const choose = (n) => {
      borrowFrom(references[n]);
      refresh();
    };
    thumbnails(find("#choices"), references, state.references, "Reference", choose);
  } else {
    const choose = (n) => {
      state.pick = n;
      draw();
    };
    thumbnails(find("#choices"), state.draws, [state.draws[state.pick]], "Draw", choose);
  }
}

const candidates = (i) =>
  faces.filter((face) => state.references.includes(face) || (has(face, i) && face !== state.face));

/** Borrow from this face; of several, from it as well, or no more if it was one of them and not the last. */
function borrowFrom(face) {
  const { references } = state;
  const others = references.filter((other) => other !== face);
  if (!find("#several").checked) state.references = [face];
  else state.references = others.length < references.length && others.length ? others : [...others, face];
}

function chooseFace(n) {
  take(faces[n]);
  refresh();
}

function take(face) {
  Object.assign(state, { face, base: face, other: true });
}

/** Begin with what is not there yet: the opposite of what is seen, a face to borrow from that is another. */
function begin() {
  const i = chosen();
  if (i === null) return;
  form.on.value = String(!has(state.base, i));
  state.pick = 0;
  if (state.references.length && !state.references.includes(state.face)) return;
  find("#force").checked = find("#several").checked = false;
  state.references = [];
  state.references = candidates(i).slice(0, 1);
}

function forget() {
  form.querySelectorAll("[name=attribute]").forEach((input) => (input.checked = false));
  Object.assign(state, { draws: [], pick: 0, references: [] });
}

async function upload(input, use) {
  const [file] = input.files;
  input.value = "";
  if (!file) return;
  try {
    if (file.size > most) throw new Error(`it has over ${most >> 20} MB; make it smaller`);
    const face = await uploaded(file);
    faces.unshift(face);
    use(face);
    await refresh();
    if (face.note) message(`${file.name}: ${face.note}. ${hint()}`);
  } catch (error) {
    message(`${file.name}: ${error.message}`, "wrong");
  }
}

form.addEventListener("input", (event) => {
  if (event.target.name === "attribute") {
    state.references = [];
    begin();
  }
  controls(form.operation.value, form);
  refresh();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const step = tried()[state.pick];
  if (!step) return;
  state.kept.push(step);
  forget();
  refresh();
});
find("#undo").addEventListener("click", () => {
  if (chosen() === null) state.kept.pop();
  forget();
  refresh();
});
find("#again").addEventListener("click", () => {
  state.seed += Number(form.count.value);
  refresh();
});
find("#force").addEventListener("input", refresh);
find("#several").addEventListener("input", (event) => {
  if (!event.target.checked) state.references = state.references.slice(-1);
  refresh();
});
find("#upload-face").addEventListener("change", (event) => upload(event.target, take));
find("#upload-reference").addEventListener("change", (event) => upload(event.target, borrowFrom));
find("#copy").hidden = !navigator.clipboard; // browsers have it on this machine and over TLS alone
find("#copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(find("#python").textContent);
  message("Copied.");
});

controls(form.operation.value, form);
refresh();
