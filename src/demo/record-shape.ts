/** Checks one record of a file and gives it the shape of the sample table's rows. */

import { ConfigError } from '../errors.ts';
import type { Article, ArticleStatus } from './article.ts';

/** As an article; what a file does not say is `published` and the time of the epoch, so that loading is repeatable. */
export type SampleRecord = Article;

const STATUSES: readonly string[] = ['published', 'draft', 'archived'] satisfies ArticleStatus[];
const BIGINT_MAX = 2n ** 63n - 1n;
const EPOCH = new Date(0);

/** Keeps what has to be remembered from record to record: ids seen, and counts of what was changed. */
export class RecordShaper {
  private readonly lineOf = new Map<bigint, number>();
  private numbered: boolean | undefined;
  private nulCharacters = 0;
  private loneSurrogates = 0;
  private otherStatuses = 0;
  private otherTimes = 0;
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /**
   * @param line where the record starts, for messages and as the id where the file has none
   * @throws ConfigError `RECORD_FIELD` or `RECORD_DUPLICATE`
   */
  shape(line: number, fields: Readonly<Record<string, unknown>>): SampleRecord {
    const title = this.text(line, 'title', fields['title']);
    const bodyField = 'body' in fields ? 'body' : 'text';
    const body = this.text(line, bodyField, fields[bodyField]);
    if (title === undefined && body === undefined)
      throw this.fieldError(line, 'title', 'there is no title, text or body');
    return {
      id: this.id(line, fields['id']),
      title: title ?? '',
      body: body ?? null,
      status: this.status(fields['status']),
      updatedAt: this.time(fields['updated_at']),
    };
  }

  /** Sentences for the user on what was changed; empty where nothing was. */
  notes(): string[] {
    const notes: string[] = [];
    if (this.numbered === true) {
      notes.push(`${this.file}: ids are missing or not whole numbers, so records are numbered by their line`);
    }
    if (this.nulCharacters > 0) {
      notes.push(`${this.file}: removed ${this.nulCharacters} NUL characters, which PostgreSQL cannot store`);
    }
    if (this.loneSurrogates > 0) {
      notes.push(`${this.file}: replaced ${this.loneSurrogates} half characters (lone surrogates) by U+FFFD`);
    }
    if (this.otherStatuses > 0) {
      notes.push(
        `${this.file}: ${this.otherStatuses} records have a status of another kind than ${STATUSES.join(', ')}, and count as published`,
      );
    }
    if (this.otherTimes > 0) {
      notes.push(
        `${this.file}: ${this.otherTimes} records have an updated_at that is no date and time (ISO 8601), and were given 1970`,
      );
    }
    return notes;
  }

  /** The first record decides for the file: numbers from two sources in one table would collide. */
  private id(line: number, value: unknown): bigint {
    const given = wholeNumber(value);
    this.numbered ??= given === undefined;
    if (this.numbered) return BigInt(line);
    if (given === undefined) {
      throw this.fieldError(
        line,
        'id',
        `${JSON.stringify(value)} is no whole number of 64 bits, as ids before it are`,
      );
    }
    const before = this.lineOf.get(given);
    if (before !== undefined) {
      throw new ConfigError(`${this.file} line ${line}: id ${given} was given on line ${before} already`, {
        code: 'RECORD_DUPLICATE',
        remedy: 'Remove one of the two, or leave the field id out to have records numbered.',
      });
    }
    this.lineOf.set(given, line);
    return given;
  }

  private text(line: number, field: string, value: unknown): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw this.fieldError(line, field, `not a text but ${typeof value}`);
    const clean = value.replaceAll('\0', '');
    this.nulCharacters += value.length - clean.length;
    return clean.replaceAll(/\p{Surrogate}/gu, () => {
      this.loneSurrogates += 1;
      return '\uFFFD';
    });
  }

  /** A column of the user's own may have the name. */
  private status(value: unknown): ArticleStatus {
    if (value === undefined || value === null || value === '') return 'published';
    if (STATUSES.includes(value as string)) return value as ArticleStatus;
    this.otherStatuses += 1;
    return 'published';
  }

  private time(value: unknown): Date {
    if (value === undefined || value === null || value === '') return EPOCH;
    const time = new Date(typeof value === 'string' ? value : Number.NaN);
    if (!Number.isNaN(time.getTime())) return time;
    this.otherTimes += 1;
    return EPOCH;
  }

  private fieldError(line: number, field: string, what: string): ConfigError {
    return new ConfigError(`${this.file} line ${line}, field ${field}: ${what}`, {
      code: 'RECORD_FIELD',
      remedy: 'Records need a title, a text (or body), or both; id, status and updated_at may be left out.',
    });
  }
}

/** Within PostgreSQL's bigint. A number that JSON could not hold exactly is none. */
function wholeNumber(value: unknown): bigint | undefined {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^[+-]?\d{1,19}$/.test(text.trim())) return undefined;
  const id = BigInt(text.trim().replace(/^\+/, ''));
  return id <= BIGINT_MAX && id >= -BIGINT_MAX - 1n ? id : undefined;
}
