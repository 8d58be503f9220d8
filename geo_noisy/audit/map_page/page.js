// The page: filters, what is told of a location, windows with pictures one after the other.

const LISTED = 200;

class Page {
  constructor(told, arrays) {
    this.told = told;
    this.arrays = arrays;
    this.dateStarts = startsOf(arrays.dates);
    this.pictures = told.pictures.map(([location, earlier, later, gap, noise, flag, share, first, second, changed, doubtful]) =>
      ({ location, earlier, later, gap, noise, flag, share, images: [first, second], changed, doubtful }));
    this.ofLocation = new Map(this.pictures.map((picture) => [picture.location, picture]));
    this.layer = new Locations(arrays.bounds);
    for (const picture of this.pictures) this.layer.pictured[picture.location] = 1;
    this.map = L.map('map', { zoomSnap: 0.5, maxZoom: 23, minZoom: 1, attributionControl: false, zoomAnimation: false });
    this.map.fitBounds(this.layer.extent(), { padding: [30, 30] });
    L.control.scale().addTo(this.map);
    find('title').textContent = told.title;
    this.fill('noises', told.noises, this.present((gap, noise) => noise, told.noises.length));
    this.fill('gaps', told.gaps, this.present((gap) => gap, told.gaps.length));
    this.filter();
    this.layer.addTo(this.map);
    this.map.on('click', (event) => this.click(event.containerPoint));
    find('previous').onclick = () => this.step(-1);
    find('next').onclick = () => this.step(1);
    find('stratum').onchange = () => this.step(0);
    document.addEventListener('keydown', (event) => {
      if (event.target.matches('input, select')) return;
      if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') this.step(event.key === 'ArrowLeft' ? -1 : 1);
    });
    followPointer();
    swipeTo(0.5);
    if (this.pictures.length) this.step(0);
  }

  present(which, number) { // boxes are shown for what some pair has
    const { gaps, noises } = this.told, counts = this.arrays.counts, found = new Array(number).fill(0);
    for (let i = 0; i < counts.length; i++) {
      const column = i % (gaps.length * noises.length);
      found[which(Math.floor(column / noises.length), column % noises.length)] += counts[i];
    }
    return found;
  }

  fill(name, labels, present) {
    labels.forEach((label, number) => {
      if (!present[number]) return;
      const box = element('input'), line = element('label');
      box.type = 'checkbox'; box.checked = true; box.value = number;
      box.onchange = () => { this.filter(); this.layer.draw(); };
      line.append(box, ` ${label} (${present[number].toLocaleString('en')})`);
      find(name).append(line);
    });
  }

  chosen(name) { return new Set([...find(name).querySelectorAll('input:checked')].map((box) => Number(box.value))); }

  filter() {
    const { gaps, noises } = this.told, { counts } = this.arrays, { layer } = this, width = gaps.length * noises.length;
    this.wantedNoises = this.chosen('noises'); this.wantedGaps = this.chosen('gaps');
    const columns = [];
    for (const gap of this.wantedGaps) for (const noise of this.wantedNoises) columns.push([gap * noises.length + noise, noise]);
    let shown = 0, pairs = 0;
    for (let i = 0; i < layer.number; i++) {
      let all = 0, known = 0, noisy = 0;
      for (const [column, noise] of columns) {
        const count = counts[i * width + column];
        all += count;
        if (noise > 0) known += count;
        if (noise > 1) noisy += count;
      }
      layer.pairs[i] = all; layer.known[i] = known; layer.noisy[i] = noisy;
      pairs += all; shown += all > 0;
    }
    this.open = this.pictures.filter((picture) => this.wantedNoises.has(picture.noise) && this.wantedGaps.has(picture.gap));
    const unread = this.told.unreadable ? `; ${this.told.unreadable} could not be read` : '';
    find('sums').textContent = `${shown.toLocaleString('en')} of ${layer.number.toLocaleString('en')} locations of ${this.told.size_px} px, ` +
      `${pairs.toLocaleString('en')} pairs; ${this.open.length.toLocaleString('en')} with pictures${unread}`;
    this.strata();
  }

  strata() {
    const select = find('stratum'), before = select.value;
    const flags = [['', 'all'], ['1', 'noisy'], ['0', 'clean'], ['-1', 'unknown']];
    select.replaceChildren(...flags.map(([flag, name]) => {
      const option = element('option', `${name}: ${this.open.filter((p) => flag === '' || String(p.flag) === flag).length} windows`);
      option.value = flag;
      return option;
    }));
    select.value = before || '';
  }

  step(by) {
    const flag = find('stratum').value, among = this.open.filter((picture) => flag === '' || String(picture.flag) === flag);
    if (!among.length) return;
    const at = among.findIndex((picture) => picture.location === this.layer.chosen);
    const next = at < 0 ? 0 : (at + by + among.length) % among.length;
    this.select(among[next].location);
    const middle = L.latLngBounds(this.layer.degrees(this.layer.box.slice(4 * this.layer.chosen, 4 * this.layer.chosen + 4))).getCenter();
    if (!this.map.getBounds().contains(middle)) this.map.panTo(middle, { animate: false });
  }

  click(point) {
    const hit = this.layer.at(point);
    if (!hit) return;
    if (hit.bounds) {
      const before = this.map.getZoom();
      this.map.fitBounds(hit.bounds, { padding: [40, 40], animate: false });
      if (this.map.getZoom() <= before) this.map.setZoom(before + 2, { animate: false });
    } else this.select(hit.location);
  }

  select(location) {
    this.layer.chosen = location;
    if (this.layer._map) this.layer.draw();
    const picture = this.ofLocation.get(location), start = this.dateStarts[location], { days } = this.arrays;
    find('stack').hidden = find('swipe').hidden = !picture;
    if (picture) showPicture(picture, [days[start + picture.earlier], days[start + picture.later]]);
    else find('pair').textContent = 'No pictures of this window are in the page; `--thumbnails FOLDER` writes those of all.';
    this.tell(location);
  }

  tell(location) {
    const start = this.dateStarts[location], stop = this.dateStarts[location + 1], { days, file, place } = this.arrays;
    const dates = element('table'), scroll = element('div', undefined, 'scroll');
    for (let i = start; i < stop; i++) {
      const row = dates.insertRow();
      row.insertCell().textContent = day(days[i]);
      row.insertCell().textContent = this.told.files[file[i]];
    }
    scroll.append(dates, this.arrays.pair_location ? this.list(location) : this.sums(location));
    find('location').replaceChildren(element('b', `location ${location}, place ${place[location]}`), scroll);
  }

  list(location) { // every pair with its noise
    const { pair_location: where, pair_dates: dates, pair_flag: flag, pair_share: share, days } = this.arrays;
    let low = 0, high = where.length;
    while (low < high) { const middle = (low + high) >> 1; if (where[middle] < location) low = middle + 1; else high = middle; }
    const table = this.head('pair', 'days', '', 'share');
    let listed = 0, more = 0;
    for (let i = low; i < where.length && where[i] === location; i++) {
      if (listed === LISTED) { more++; continue; }
      const [first, second] = [0, 1].map((date) => days[this.dateStarts[location] + dates[2 * i + date]]);
      const row = table.insertRow();
      for (const text of [`${day(first)} / ${day(second)}`, second - first, STATES[flag[i]], share[i] === 65535 ? '?' : (share[i] / 10000).toFixed(3)]) row.insertCell().textContent = text;
      listed++;
    }
    if (more) table.insertRow().insertCell().textContent = `and ${more} more`;
    return table;
  }

  sums(location) { // pairs by gap and noise
    const { gaps, noises } = this.told, { counts } = this.arrays, table = this.head('gap', 'noise', 'pairs');
    gaps.forEach((gap, i) => noises.forEach((noise, j) => {
      const count = counts[(location * gaps.length + i) * noises.length + j];
      if (!count) return;
      const row = table.insertRow();
      for (const text of [gap, noise, count]) row.insertCell().textContent = text;
    }));
    return table;
  }

  head(...names) {
    const table = element('table'), row = table.createTHead().insertRow();
    for (const name of names) row.append(element('th', name));
    return table;
  }
}

const told = JSON.parse(find('data').textContent);
unpackAll(told.arrays).then((arrays) => {
  window.page = new Page(told, arrays);
  document.body.dataset.readyMs = Math.round(performance.now());
});
