// Locations on a canvas over the map: clusters where they are small, windows where there is room.

const CELL_PX = 80, ROOM_PX = 9, RAMP = [[43, 131, 186], [255, 255, 191], [215, 25, 28]];

function colourOf(share) {
  if (!(share >= 0)) return '#888';
  const at = Math.min(share * 2, 1.999), low = Math.floor(at), part = at - low;
  return `rgb(${RAMP[low].map((value, i) => Math.round(value + (RAMP[low + 1][i] - value) * part)).join()})`;
}

const radiusOf = (members) => (members === 1 ? 7 : Math.min(28, 11 + 4 * Math.log10(members)));

const Locations = L.Layer.extend({
  initialize(bounds) {
    this.number = bounds.length / 4;
    this.box = new Float64Array(bounds.length); // left, top, right, bottom of the world as a square of side 1
    for (let i = 0; i < bounds.length; i += 4) {
      const [left, bottom] = mercator(bounds[i] / 1e7, bounds[i + 1] / 1e7);
      const [right, top] = mercator(bounds[i + 2] / 1e7, bounds[i + 3] / 1e7);
      this.box.set([left, top, right, bottom], i);
    }
    this.noisy = new Uint32Array(this.number);
    this.known = new Uint32Array(this.number);
    this.pairs = new Uint32Array(this.number);
    this.pictured = new Uint8Array(this.number);
    this.chosen = -1;
  },
  onAdd(map) {
    this.canvas = L.DomUtil.create('canvas', 'leaflet-zoom-hide', map.getPane('overlayPane'));
    map.on('moveend zoomend resize', this.draw, this);
    this.draw();
  },
  extent() {
    const box = [1, 1, 0, 0];
    box[0] = box[1] = Infinity; box[2] = box[3] = -Infinity;
    for (let i = 0; i < this.number; i++) this.widen(box, i);
    return this.degrees(box);
  },
  widen(box, i) {
    box[0] = Math.min(box[0], this.box[4 * i]); box[1] = Math.min(box[1], this.box[4 * i + 1]);
    box[2] = Math.max(box[2], this.box[4 * i + 2]); box[3] = Math.max(box[3], this.box[4 * i + 3]);
  },
  degrees([left, top, right, bottom]) {
    return [[latitudeOf(bottom), (left - 0.5) * 360], [latitudeOf(top), (right - 0.5) * 360]];
  },
  share(i) { return this.known[i] ? this.noisy[i] / this.known[i] : NaN; },
  draw() {
    const map = this._map, size = map.getSize(), ratio = window.devicePixelRatio || 1, canvas = this.canvas;
    L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
    canvas.width = size.x * ratio; canvas.height = size.y * ratio;
    canvas.style.width = `${size.x}px`; canvas.style.height = `${size.y}px`;
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    this.scale = 256 * 2 ** map.getZoom();
    const corner = map.getPixelBounds().min;
    this.left = corner.x; this.top = corner.y;
    const seen = [];
    let width = 0;
    for (let i = 0; i < this.number; i++) {
      const right = this.box[4 * i + 2] * this.scale - this.left, bottom = this.box[4 * i + 3] * this.scale - this.top;
      const left = this.box[4 * i] * this.scale - this.left, top = this.box[4 * i + 1] * this.scale - this.top;
      if (!this.pairs[i] || right < 0 || bottom < 0 || left > size.x || top > size.y) continue;
      seen.push(i);
      width = Math.max(width, right - left);
    }
    this.clusters = null;
    if (width >= ROOM_PX || seen.length === 1) this.drawWindows(context, seen);
    else this.drawClusters(context, seen);
    this.seen = seen;
  },
  drawWindows(context, seen) {
    const rank = (i) => (i === this.chosen ? 2 : this.pictured[i]); // windows may overlap: no ring is hidden
    for (const i of [...seen].sort((first, second) => rank(first) - rank(second))) {
      const left = this.box[4 * i] * this.scale - this.left, top = this.box[4 * i + 1] * this.scale - this.top;
      const width = (this.box[4 * i + 2] - this.box[4 * i]) * this.scale;
      const height = (this.box[4 * i + 3] - this.box[4 * i + 1]) * this.scale;
      context.fillStyle = colourOf(this.share(i));
      context.globalAlpha = 0.6;
      context.fillRect(left, top, width, height);
      context.globalAlpha = 1;
      context.lineWidth = i === this.chosen ? 4 : this.pictured[i] ? 2 : 0.5;
      context.strokeStyle = i === this.chosen ? '#000' : this.pictured[i] ? '#222' : '#666';
      context.strokeRect(left, top, width, height);
    }
  },
  drawClusters(context, seen) {
    const cells = new Map();
    for (const i of seen) {
      const x = (this.box[4 * i] + this.box[4 * i + 2]) / 2 * this.scale;
      const y = (this.box[4 * i + 1] + this.box[4 * i + 3]) / 2 * this.scale;
      const name = `${Math.floor(x / CELL_PX)} ${Math.floor(y / CELL_PX)}`; // of the world: clusters do not wander
      let cell = cells.get(name);
      if (!cell) cells.set(name, cell = { x: 0, y: 0, members: 0, noisy: 0, known: 0, pictured: 0, first: i, box: [Infinity, Infinity, -Infinity, -Infinity] });
      cell.x += x - this.left; cell.y += y - this.top; cell.members++;
      cell.noisy += this.noisy[i]; cell.known += this.known[i]; cell.pictured += this.pictured[i];
      if (i === this.chosen) cell.chosen = true;
      this.widen(cell.box, i);
    }
    this.clusters = this.apart([...cells.values()]);
    context.textAlign = 'center'; context.textBaseline = 'middle'; context.font = '12px system-ui, sans-serif';
    for (const cell of this.clusters) {
      context.beginPath();
      context.arc(cell.x, cell.y, cell.radius, 0, 7);
      context.fillStyle = colourOf(cell.known ? cell.noisy / cell.known : NaN);
      context.globalAlpha = 0.85; context.fill(); context.globalAlpha = 1;
      context.lineWidth = cell.chosen ? 4 : cell.pictured ? 2 : 0.5;
      context.strokeStyle = cell.chosen ? '#000' : '#333';
      context.stroke();
      context.fillStyle = '#111';
      if (cell.members > 1) context.fillText(cell.members.toLocaleString('en'), cell.x, cell.y);
    }
  },
  apart(cells) { // a circle that would lie on a larger one is taken into it
    const kept = [];
    for (const cell of cells) { cell.x /= cell.members; cell.y /= cell.members; cell.radius = radiusOf(cell.members); }
    for (const cell of cells.sort((first, second) => second.members - first.members)) {
      const into = kept.find((other) => Math.hypot(cell.x - other.x, cell.y - other.y) < cell.radius + other.radius);
      if (!into) { kept.push(cell); continue; }
      for (const name of ['members', 'noisy', 'known', 'pictured']) into[name] += cell[name];
      into.chosen ||= cell.chosen;
      into.radius = radiusOf(into.members);
      into.box = [0, 1, 2, 3].map((side) => (side < 2 ? Math.min : Math.max)(into.box[side], cell.box[side]));
    }
    return kept;
  },
  at(point) { // a location, a cluster, or nothing
    if (this.clusters) {
      const hit = this.clusters.filter((cell) => Math.hypot(cell.x - point.x, cell.y - point.y) <= cell.radius + 2).pop();
      if (!hit) return null;
      return hit.members === 1 ? { location: hit.first } : { bounds: this.degrees(hit.box) };
    }
    let best = -1, nearest = Infinity;
    for (const i of this.seen) { // windows may overlap: the one whose middle is nearest
      const x = (this.box[4 * i] + this.box[4 * i + 2]) / 2 * this.scale - this.left - point.x;
      const y = (this.box[4 * i + 1] + this.box[4 * i + 3]) / 2 * this.scale - this.top - point.y;
      const width = (this.box[4 * i + 2] - this.box[4 * i]) * this.scale + 6;
      const height = (this.box[4 * i + 3] - this.box[4 * i + 1]) * this.scale + 6;
      if (Math.abs(x) <= width / 2 && Math.abs(y) <= height / 2 && Math.hypot(x, y) < nearest) {
        best = i; nearest = Math.hypot(x, y);
      }
    }
    return best < 0 ? null : { location: best };
  },
});
