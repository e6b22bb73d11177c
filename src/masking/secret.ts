/** Keys, tokens and passwords that say what they are: by a known prefix, or by the name in front of them. */

import { wholeMatches, type Span } from './span.ts';

/** Prefixes that issuers chose so that leaked keys can be found. */
const KNOWN = new RegExp(
  `(?<![A-Za-z0-9_-])(?:${[
    'A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}(?![A-Za-z0-9])', // AWS
    'gh[pousr]_[A-Za-z0-9]{20,}', // GitHub
    'github_pat_[A-Za-z0-9_]{20,}',
    'glpat-[A-Za-z0-9_-]{20,}', // GitLab
    'xox[a-z]-[A-Za-z0-9-]{10,}', // Slack
    'xapp-[A-Za-z0-9-]{10,}',
    '[srp]k_(?:live|test)_[A-Za-z0-9]{10,}', // Stripe
    'sk-(?=[A-Za-z_-]{0,60}\\d)[A-Za-z0-9_-]{20,}', // OpenAI and others; not sk-and-words-only
    'AIza[A-Za-z0-9_-]{35}', // Google
    'ya29\\.[A-Za-z0-9_-]{20,}',
    'npm_[A-Za-z0-9]{36}',
    'pypi-[A-Za-z0-9_-]{50,}',
    'hf_[A-Za-z0-9]{30,}', // Hugging Face
    'dop_v1_[a-f0-9]{64}', // DigitalOcean
    'SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}', // SendGrid
    'eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*){1,3}', // JSON web tokens
  ].join('|')})`,
  'g',
);
/** All of KNOWN has one of these; looking for them first is what keeps prose fast. */
const KNOWN_HINT =
  /A(?:KIA|SIA|BIA|CCA|Iza)|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|xapp-|k_live_|k_test_|sk-|ya29\.|npm_|pypi-|hf_|dop_v1_|SG\.|eyJ/;

const BEARER = /\bBearer\s{1,4}(?=[A-Za-z._~+/-]{0,60}\d)([A-Za-z0-9._~+/-]{16,}={0,2})/gi;
const URL_PASSWORD = /:\/\/[^\s/:@?#]{0,64}:([^\s/@]{1,128})@/g;

export function findSecrets(text: string): Span[] {
  return [
    ...(KNOWN_HINT.test(text) ? wholeMatches(text, KNOWN) : []),
    ...(text.includes('earer ') || text.includes('EARER ') ? lastGroups(text, BEARER, 0) : []),
    ...(text.includes('://') ? lastGroups(text, URL_PASSWORD, 1) : []),
    ...(text.includes('PRIVATE KEY') ? findPrivateKeys(text) : []),
  ];
}

/** The first group of each match, which ends `tail` characters before the match does. */
function lastGroups(text: string, pattern: RegExp, tail: number): Span[] {
  return Array.from(text.matchAll(pattern), (found) => {
    const end = found.index + found[0].length - tail;
    return { start: end - (found[1]?.length ?? 0), end };
  });
}

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

/** A block that was cut off before its end is masked to the end of the text: what follows is more likely key than not. */
function findPrivateKeys(text: string): Span[] {
  const spans: Span[] = [];
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin !== null; begin = BEGIN.exec(text)) {
    END.lastIndex = BEGIN.lastIndex;
    const end = END.exec(text);
    spans.push({ start: begin.index, end: end === null ? text.length : end.index + end[0].length });
    if (end === null) break;
    BEGIN.lastIndex = END.lastIndex;
  }
  return spans;
}
