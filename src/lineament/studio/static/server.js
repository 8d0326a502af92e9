// What the page asks the studio for. Both answers are faces: {image, readings}, image a data URL.

async function asked(address, type, body) {
  let answer;
  try {
    answer = await fetch(address, { method: "POST", headers: { "Content-Type": type }, body });
  } catch {
    throw new Error("The studio does not answer; is it still running?");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(content.detail ?? `The studio failed (${answer.status}); its terminal says why.`);
  return content;
}

/** An uploaded file as a face of the editor's size; `note` says what was done to it. */
export const uploaded = (file) => asked("/face", "application/octet-stream", file);

/** The face that comes of one after the steps, with the Python that does the same. */
export const edited = (face, steps) => asked("/edit", "application/json", JSON.stringify({ image: face.image, steps }));

/** `run`, one at a time: what is asked for meanwhile is done once, afterwards. */
export function latest(run) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await run();
    }
    running = false;
  };
}
