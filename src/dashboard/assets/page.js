// Brings the server's newest figures into the page. Without it the page works all the same, by loading it again.

const live = document.querySelector('#live');

function say(text) {
  if (live.textContent !== text) live.textContent = text;
}

const partsOf = (root) => [...root.querySelectorAll('section[id]')].map(({ id }) => id).join();

/** Takes the place of each part that has changed; the focus stays where it was. */
function update(markup) {
  const next = new DOMParser().parseFromString(markup, 'text/html');
  const focused = document.activeElement?.id ?? '';
  // A generation that comes or goes: all of them at once.
  const [shownAll, nextAll] = [document, next].map((root) => root.querySelector('#generations'));
  if (shownAll !== null && nextAll !== null && partsOf(shownAll) !== partsOf(nextAll))
    shownAll.replaceWith(document.adoptNode(nextAll.cloneNode(true)));
  for (const part of next.querySelectorAll('section[id]')) {
    const shown = document.getElementById(part.id);
    if (shown === null || shown.isEqualNode(part)) continue;
    const scrolled = shown.querySelector('.scroll')?.scrollLeft ?? 0;
    shown.replaceWith(document.adoptNode(part));
    if (scrolled > 0) part.querySelector('.scroll')?.scrollTo({ left: scrolled });
  }
  if (focused !== '' && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

const events = new EventSource('events');
// The server ends each stream after a while, and the next one is there before anybody need know.
let lost;
events.addEventListener('error', () => {
  // Refused, as after a restart that has made another token: the browser does not ask again.
  if (events.readyState === EventSource.CLOSED) say('no longer live: load the page again');
  else lost ??= setTimeout(() => say('connection lost; trying again'), 1500);
});
events.addEventListener('open', () => {
  clearTimeout(lost);
  lost = undefined;
  say('live');
});
events.addEventListener('snapshot', (event) => {
  say('live');
  update(JSON.parse(event.data));
});
events.addEventListener('trouble', (event) => say(JSON.parse(event.data)));
