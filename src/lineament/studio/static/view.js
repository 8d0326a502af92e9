// Drawing: from what is known to what is seen. Nothing here asks or remembers.

export const find = (selector) => document.querySelector(selector);

const percent = (share) => `${Math.round(100 * share)} %`;

/** A row of faces to choose from, of which `chosen` are; `choose` is called with the index of one. */
export function thumbnails(box, faces, chosen, label, choose) {
  const focused = [...box.children].indexOf(document.activeElement);
  box.replaceChildren(
    ...faces.map((face, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", chosen.includes(face));
      const image = new Image();
      image.src = face.image;
      image.alt = `${label} ${index + 1}`;
      button.append(image);
      button.addEventListener("click", () => choose(index));
      return button;
    }),
  );
  box.children[focused]?.focus();
}

/** How sure the editor is of each attribute, before and after. */
export function bars(before, after) {
  document.querySelectorAll(".attribute").forEach((row, i) => {
    row.style.setProperty("--was", before[i]);
    row.style.setProperty("--is", after[i]);
    const moved = Math.abs(after[i] - before[i]) >= 0.05;
    row.classList.toggle("moved", moved);
    row.querySelector("output").textContent = percent(after[i]);
    row.title = `before ${percent(before[i])}, after ${percent(after[i])}`;
  });
}

/** A step in words. */
export function told(step, attributes) {
  const name = attributes.find(([known]) => known === step.attribute)[1];
  const words = { swap: step.on ? "on" : "off", sample: `${step.on ? "on" : "off"}, draw ${step.seed + 1}`, borrow: Array.isArray(step.reference) ? `borrowed from ${step.reference.length}` : "borrowed" };
  const strength = step.strength < 1 ? `, ${percent(step.strength)}` : "";
  return `${name} ${words[step.operation]}${strength}`;
}

/** The steps that are kept, and the one that is not yet. */
export function chain(kept, open, attributes) {
  const items = kept.map((step) => [told(step, attributes), ""]);
  if (open) items.push([`${told(open, attributes)} (not kept yet)`, "open"]);
  find("#chain").replaceChildren(
    ...items.map(([text, kind]) => {
      const item = document.createElement("li");
      item.className = kind;
      item.textContent = text;
      return item;
    }),
  );
}

/** Which controls an operation has, and what its dials stand at. */
export function controls(operation, form) {
  find("#on").hidden = operation === "borrow";
  find("#scale").hidden = find("#count").hidden = operation !== "sample";
  find("#about").textContent = {
    swap: "On or off, as it looks on average.",
    sample: "On or off, in looks drawn at random.",
    borrow: "On, as another face wears it.",
  }[operation];
  const shown = { strength: percent, scale: (x) => `× ${Number(x).toFixed(1)}`, count: String };
  for (const name in shown) form[name].nextElementSibling.textContent = shown[name](form[name].value);
}

export function message(text, kind = "") {
  find("#message").textContent = text;
  find("#message").className = kind;
}
