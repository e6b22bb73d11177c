/** Remedies of a generation that verbs do not mean by themselves name it. */

import { parseGenerationName } from '../config/values/generation-name.ts';
import type { Check } from './check.ts';

/** Verbs that take --generation, each as remedies have it. */
const VERBS = /`pgvector-backfill (?:verify|finalize|retry)\b(?! --generation)/g;

export function namingGeneration(checks: readonly Check[], name: string): Check[] {
  const { generation } = parseGenerationName(name);
  return checks.map((check) => ({
    ...check,
    remedy: check.remedy?.replaceAll(VERBS, `$& --generation ${generation}`) ?? null,
  }));
}
