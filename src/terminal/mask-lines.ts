/** What `mask` says in a terminal. */

import { excerpts } from '../masking/excerpts.ts';
import { countMasks } from '../masking/masker.ts';
import type { MaskPolicy } from '../masking/policy.ts';
import type { MaskedRow, MaskPreview } from '../planning/mask-preview.ts';

export function maskLines({ policy, version, shown, looked, masked, counts }: MaskPreview): string[] {
  return [
    ...shown.flatMap(maskedRowLines),
    `${looked} rows looked at, ${masked} with something masked: ${countsText(counts)}`,
    `policy ${version}: ${policyText(policy)}`,
  ];
}

function maskedRowLines({ key, text, masks }: MaskedRow): string[] {
  const lines = [`row ${key}: ${countsText(countMasks(masks))}`];
  for (const { before, after } of excerpts(text, masks)) {
    if (masks.length === 0) lines.push(`  text    ${before}`);
    else lines.push(`  before  ${before}`, `  after   ${after}`);
  }
  return lines;
}

function countsText(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? 'nothing masked' : parts.join(', ');
}

function policyText({ types, rules }: MaskPolicy): string {
  const names = [...types, ...rules.map((rule) => rule.name)];
  return names.length === 0 ? 'nothing is masked' : names.join(', ');
}
