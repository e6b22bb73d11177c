import { plainTextConnections } from '../../config/plain-text.ts';
import type { Settings } from '../../config/settings.ts';
import type { Finding } from './finding.ts';

export const checkEncryption = (settings: Settings): Finding[] =>
  plainTextConnections(settings).map((each) => ({ level: 'warn', check: 'encryption', ...each }));
