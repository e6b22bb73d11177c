// Saves a click without loading the page again. Without it the same form does, and brings the page back.

for (const form of document.querySelectorAll('form.judge'))
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void save(form, event.submitter.value);
  });

async function save(form, grade) {
  const fields = new URLSearchParams(new FormData(form));
  fields.set('grade', grade);
  let saved = false;
  try {
    const answer = await fetch(form.action, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: fields,
    });
    saved = answer.status === 204;
  } catch {
    // Said below.
  }
  const status = document.querySelector('#judging');
  status.textContent = saved ? 'saved' : 'not saved: load the page again';
  if (saved) show(fields.get('key'), grade);
}

/** A row may stand on both sides. */
function show(key, grade) {
  for (const form of document.querySelectorAll('form.judge')) {
    if (form.elements.namedItem('key').value !== key) continue;
    for (const button of form.querySelectorAll('button')) {
      const isPressed = button.dataset.grade === grade;
      button.setAttribute('aria-pressed', String(isPressed));
      button.value = isPressed ? '' : button.dataset.grade;
    }
  }
}
