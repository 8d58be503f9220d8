// Both dates of a window under a swipe.

const find = (name) => document.getElementById(name);
const STATES = { 1: 'noisy', 0: 'clean', '-1': 'unknown' };

function swipeTo(part) {
  const share = Math.max(0, Math.min(1, part));
  find('earlier').style.clipPath = `inset(0 ${100 - 100 * share}% 0 0)`;
  find('edge').style.left = `${100 * share}%`;
  find('swipe').value = Math.round(1000 * share);
}

function showPicture(picture, days) {
  find('window').hidden = false;
  find('earlier').src = picture.images[0];
  find('later').src = picture.images[1];
  find('changed').setAttribute('d', picture.changed);
  find('doubtful').setAttribute('d', picture.doubtful);
  find('earlier_day').textContent = day(days[0]);
  find('later_day').textContent = day(days[1]);
  const share = picture.share === null ? 'share unknown' : `share changed ${picture.share.toFixed(3)}`;
  find('pair').replaceChildren(
    element('span', STATES[picture.flag], `badge ${STATES[picture.flag]}`),
    ` ${share}, ${days[1] - days[0]} days apart`,
  );
}

function followPointer() {
  const stack = find('stack');
  const move = (event) => {
    const box = stack.getBoundingClientRect();
    swipeTo((event.clientX - box.left) / box.width);
  };
  stack.addEventListener('pointerdown', (event) => { stack.setPointerCapture(event.pointerId); move(event); });
  stack.addEventListener('pointermove', (event) => { if (event.buttons) move(event); });
  find('swipe').addEventListener('input', (event) => swipeTo(event.target.value / 1000));
  find('outlined').addEventListener('change', (event) => {
    find('outlines').style.display = event.target.checked ? '' : 'none';
  });
}
