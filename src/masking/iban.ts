/** International bank account numbers: country, length of that country, check digits (ISO 13616, mod 97). */

import { BLANKS, DASHES, isWordAt, type Span } from './span.ts';

/** Length by country, of the SWIFT registry and of those that use the form without being in it. */
const LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  `NO15 BE16 BI27 DJ27 DK18 FI18 FK18 FO18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 MN20 XK20
   CH21 HR21 LI21 LV21 BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 VA22 AE23 GI23 IL23 IQ23 OM23 SO23 TL23
   AD24 CZ24 ES24 MD24 PK24 RO24 SA24 SE24 SK24 TN24 VG24 LY25 PT25 ST25 IS26 TR26 FR27 GR27 IT27 MC27 MR27
   SM27 AL28 AZ28 BY28 CY28 DO28 GT28 HN28 HU28 LB28 NI28 PL28 SV28 BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30
   YE30 MT31 SC31 LC32 RU33 DZ26 AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 GA27 GQ27 GW25 IR26 KM27 MA28 MG27
   ML28 MZ25 NE28 SN28 TD27 TG28`
    .trim()
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const START = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}/g;
/** One of these between two groups of any size; more of them, or others, where the groups are as on paper. */
const SEPARATORS = ' \u00a0\u202f-';
const UNUSUAL = new RegExp(`[${BLANKS}._/${DASHES}]`);
const MAX_SEPARATORS = 3;
const GROUP = 4;

export function findIbans(text: string): Span[] {
  const spans: Span[] = [];
  START.lastIndex = 0;
  for (let found = START.exec(text); found !== null; found = START.exec(text)) {
    const end = endOfIban(text, found.index);
    if (end === null) continue;
    spans.push({ start: found.index, end });
    START.lastIndex = end;
  }
  return spans;
}

/** How many stand at `at`, with a character of the number behind them. */
function separatorsAt(text: string, at: number): number {
  let end = at;
  while (end < at + MAX_SEPARATORS && UNUSUAL.test(text.charAt(end))) end++;
  return isWordAt(text, end) ? end - at : 0;
}

/** Reads as many characters as the country asks for, so that a word behind the number is left alone. */
function endOfIban(text: string, start: number): number | null {
  const length = LENGTHS[text.slice(start, start + 2).toUpperCase()];
  if (length === undefined) return null;
  let digits = '';
  let end = start;
  let unusual = false;
  let inFours = true;
  for (let read = 0; read < length;) {
    const character = text.charAt(end);
    const value = /[0-9A-Za-z]/.test(character) ? parseInt(character, 36) : -1;
    if (value === -1) {
      const gap = separatorsAt(text, end);
      if (gap === 0) return null;
      unusual ||= gap > 1 || !SEPARATORS.includes(character);
      inFours &&= read % GROUP === 0;
      if (unusual && !inFours) return null;
      end += gap;
      continue;
    }
    digits += String(value);
    if (++read === 4) digits = '';
    end++;
  }
  if (isWordAt(text, end)) return null;
  const head = text
    .slice(start, end)
    .replaceAll(/[^0-9A-Za-z]/g, '')
    .slice(0, 4);
  const checked = digits + Array.from(head, (character) => parseInt(character, 36)).join('');
  return BigInt(checked) % 97n === 1n ? end : null;
}
