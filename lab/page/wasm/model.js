// Resolves to the model, which answers what README.md says: JSON for JSON. For browsers, their workers, and Node.js.
function labModel() {
  return labModule().then((module) => ({
    call: (request) => module.ccall("lab_call", "string", ["string"], [request]),
  }));
}
if (typeof module === "object") module.exports = labModel;
