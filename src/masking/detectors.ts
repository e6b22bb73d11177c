/** The built-in detectors, in the order in which they look at a text. */

import { findAssignments } from './assignment.ts';
import { findCards } from './card.ts';
import { findEmails } from './email.ts';
import { findIbans } from './iban.ts';
import { findIps } from './ip.ts';
import { findOpaqueTokens } from './opaque.ts';
import { findPhones } from './phone.ts';
import type { MaskType } from './policy.ts';
import { findSecrets } from './secret.ts';
import type { Finder } from './span.ts';
import { findSsns } from './ssn.ts';

export interface Detector {
  readonly type: MaskType;
  readonly find: Finder;
  /** A text without any ASCII digit has no such value. */
  readonly needsDigit: boolean;
}

/**
 * What is found first is out of the others' sight. So the more a shape says about itself, the earlier it comes:
 * a password may look like an e-mail address, an IBAN has a card's digits in it, a card those of a phone. Tokens
 * without a name come behind addresses, whose local part may be random.
 */
export const DETECTORS: readonly Detector[] = [
  { type: 'secret', find: findSecrets, needsDigit: false },
  { type: 'secret', find: findAssignments, needsDigit: false },
  { type: 'email', find: findEmails, needsDigit: false },
  { type: 'secret', find: findOpaqueTokens, needsDigit: true },
  { type: 'iban', find: findIbans, needsDigit: true },
  { type: 'card', find: findCards, needsDigit: true },
  { type: 'ip', find: findIps, needsDigit: true },
  { type: 'ssn', find: findSsns, needsDigit: true },
  { type: 'phone', find: findPhones, needsDigit: true },
];
