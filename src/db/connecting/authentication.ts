/** What a server may ask of a client that has said how it is to be asked: require_auth and channel_binding. */

import { invalidParameter } from '../../config/libpq/invalid.ts';
import type { ConnectPlan } from './connect-plan.ts';

/** Of the driver's connection. */
export type AuthEvent =
  | 'authenticationOk'
  | 'authenticationCleartextPassword'
  | 'authenticationMD5Password'
  | 'authenticationSASL';

const METHODS: Record<AuthEvent, string> = {
  authenticationOk: 'none',
  authenticationCleartextPassword: 'password',
  authenticationMD5Password: 'md5',
  authenticationSASL: 'scram-sha-256',
};

interface Asked extends Pick<ConnectPlan, 'methods' | 'bindsChannel'> {
  isEncrypted: boolean;
  /** It has asked before, and was let. */
  asked: boolean;
}

/** @param mechanisms that the server offers. @returns null where it may go on */
export function refusalOf(event: AuthEvent, mechanisms: readonly string[], asked: Asked): Error | null {
  const method = METHODS[event];
  // The last word, behind what was looked at when it was asked.
  if (event === 'authenticationOk' && asked.asked) return null;
  if (asked.bindsChannel === 'required' && !(mechanisms.includes('SCRAM-SHA-256-PLUS') && asked.isEncrypted))
    return invalidParameter(
      `channel_binding=require, but ${asked.isEncrypted ? `the server asks for ${method} without it` : 'the connection is not encrypted'}.`,
      asked.isEncrypted
        ? 'Have the password stored as scram-sha-256, and pg_hba.conf ask for it; a pooler or proxy that ends TLS cannot bind channels: take channel_binding away there.'
        : 'Add sslmode=verify-full, or take channel_binding away.',
    );
  if (asked.methods !== null && !asked.methods(method))
    return invalidParameter(
      `require_auth rules out ${method}, which the server asks for.`,
      'Correct require_auth, or have an administrator look at pg_hba.conf.',
    );
  return null;
}
