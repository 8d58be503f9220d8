'use strict';
// Numbers of all locations: compressed, in base64, as typed arrays.

const KINDS = { Int32Array, Uint16Array, Int8Array };

async function unpack([kind, text]) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new KINDS[kind](await new Response(stream).arrayBuffer());
}

async function unpackAll(packed) {
  const names = Object.keys(packed);
  const arrays = await Promise.all(names.map((name) => unpack(packed[name])));
  return Object.fromEntries(names.map((name, number) => [name, arrays[number]]));
}

function startsOf(counts) {
  const starts = new Int32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) starts[i + 1] = starts[i] + counts[i];
  return starts;
}

const day = (number) => new Date(number * 86400000).toISOString().slice(0, 10);

function mercator(longitude, latitude) { // of the world as a square of side 1
  const sine = Math.max(-0.9999, Math.min(0.9999, Math.sin(latitude * Math.PI / 180)));
  return [longitude / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

function latitudeOf(y) { return Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI; }

function element(name, text, className) { // text stays text: no name of a file is taken as markup
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
