// Brings the server's newest figures into the page. Without it the page works all the same, by loading it again.
'use strict';

const main = document.querySelector('main[data-live]');
const live = document.querySelector('#live');

function say(text) {
  if (live !== null) live.textContent = text;
}

/** Takes the place of each part that has changed; what has the focus or is open stays as it is. */
function update(markup) {
  const next = new DOMParser().parseFromString(markup, 'text/html');
  document.title = next.title || document.title;
  for (const part of next.querySelectorAll('section[id]')) {
    const shown = document.getElementById(part.id);
    if (shown === null || shown.isEqualNode(part)) continue;
    if (shown.contains(document.activeElement) && shown.querySelector('form') !== null) continue;
    for (const open of shown.querySelectorAll('details[open][id]'))
      part.querySelector(`#${open.id}`)?.setAttribute('open', '');
    shown.replaceWith(document.adoptNode(part));
  }
}

if (main !== null) {
  const events = new EventSource('/events');
  events.addEventListener('open', () => say('live'));
  events.addEventListener('error', () => say('connection lost; trying again'));
  events.addEventListener('snapshot', (event) => {
    say('live');
    update(JSON.parse(event.data));
  });
  events.addEventListener('trouble', (event) => say(JSON.parse(event.data)));
}
