/** What looks like a value and is none: it has to stay as it is. */

import { DIGITS, HEX, LOWER, UPPER, type Maker } from './maker.ts';

const WORDS = [
  'Abstract',
  'Bean',
  'Cache',
  'Client',
  'Factory',
  'Handler',
  'Http2',
  'Index',
  'Manager',
  'Proxy',
  'Query',
  'Queue',
  'Singleton',
  'Stream',
  'V2',
  'Worker',
  'Xml',
  'Json',
] as const;
const words = (make: Maker, least: number, most: number): string[] =>
  Array.from({ length: make.int(least, most) }, () => make.of(WORDS));
const date = (make: Maker, gap: string): string =>
  [make.int(1990, 2030), make.padded(make.int(1, 12), 2), make.padded(make.int(1, 28), 2)].join(gap);
const time = (make: Maker): string =>
  [make.int(0, 23), make.int(0, 59), make.int(0, 59)].map((part) => make.padded(part, 2)).join(':');

export const FALSE_ALARMS: Readonly<Record<string, (make: Maker) => string>> = {
  'part numbers': (make) =>
    make.of([
      `${make.chars(UPPER, 3)}${make.digits(2)}${make.chars(UPPER, 1)}${make.digits(3)}${make.chars(UPPER, 2)}`,
      `${make.digits(3)}-${make.digits(4)}-${make.digits(2)}`,
      `${make.chars(UPPER, 2)}-${make.digits(5)}-${make.chars(UPPER, 1)}${make.digits(1)}`,
      `${make.digits(2)}.${make.digits(3)}.${make.digits(2)}`,
      `${make.digits(1)}N${make.digits(4)}-${make.chars(UPPER, 3)}`,
    ]),
  'serial and order numbers': (make) =>
    make.of([
      `SN${make.digits(8)}`,
      `#${make.digits(7)}`,
      `order 1${make.digits(5)}-${make.digits(3)}`,
      `INV-${make.int(2000, 2030)}-${make.digits(6)}`,
      `ticket ${make.chars(UPPER, 3)}-${make.digits(5)}`,
    ]),
  'short hashes': (make) =>
    make.of([
      `commit ${make.chars(HEX, 7)}`,
      make.chars(HEX, 12),
      `v1.2-14-g${make.chars(HEX, 8)}`,
      `0x${make.chars(HEX, 8)}`,
      `crc32 ${make.chars(HEX, 8)}`,
      `W/"${make.chars(HEX, 16)}"`,
    ]),
  'class and function names': (make) => {
    const all = words(make, 3, 6);
    return make.of([
      all.join(''),
      `org.example.${all.map((word) => word.toLowerCase()).join('.')}.${all.join('')}`,
      all.join('_').toUpperCase(),
      `std::${all.map((word) => word.toLowerCase()).join('::')}`,
      `${all.join('')}#${all.map((word) => word.toLowerCase()).join('_')}`,
    ]);
  },
  'paths and file names': (make) =>
    `${make.of(['/usr/lib/', 'src/', 'https://example.com/docs/'])}${words(make, 2, 4).join('/')}/${words(make, 1, 2).join('-')}_${make.int(1, 2030)}.${make.of(['ts', 'html', 'tar.gz', 'pdf'])}`,
  versions: (make) => {
    const [a, b, c] = [make.int(0, 30), make.int(0, 30), make.int(0, 999)];
    return make.of([
      `${a}.${b}.${c}`,
      `v${a}.${b}.${c}-rc.${make.int(1, 9)}`,
      `version ${a}.${b}.${c}.${make.int(0, 20)}`,
      `lodash@${a}.${b}.${c}`,
      `@types/node@${a}.${b}.${c}`,
      `${a}.${b}.${c}+build.${make.digits(4)}`,
      `firmware ${a}.${b}.${c % 255}.${b}`,
    ]);
  },
  'dates and times': (make) =>
    make.of([
      date(make, '-'),
      date(make, '/'),
      date(make, '.'),
      `${date(make, '-')}T${time(make)}Z`,
      `${date(make, '-')} ${time(make)}.${make.digits(3)}`,
      `${date(make, '')}${time(make).replaceAll(':', '')}`,
      `from ${date(make, '-')} to ${date(make, '-')}`,
      `1${make.digits(9)}`,
    ]),
  UUIDs: (make) => [8, 4, 4, 4, 12].map((length) => make.chars(HEX, length)).join('-'),
  'numbers of text': (make) =>
    make.of([
      `${make.int(1, 999)},${make.digits(3)},${make.digits(3)} rows`,
      `${make.int(1, 99)}.${make.digits(14)}`,
      `-0.${make.digits(13)}`,
      `pages ${make.int(100, 199)}-${make.int(200, 299)}, ${make.int(1000, 1999)}-${make.int(2000, 2999)}`,
      `${make.int(1, 89)}.${make.digits(6)}, -${make.int(1, 179)}.${make.digits(6)}`,
      `${make.int(1990, 2030)} ${make.int(1990, 2030)} ${make.int(1990, 2030)}`,
      `USD ${make.int(1, 999)} ${make.digits(3)}.${make.digits(2)}`,
    ]),
  'columns of four-digit numbers': (make) => Array.from({ length: 4 }, () => make.digits(4)).join('  '),
  'numbers of catalogues': (make) =>
    make.of([
      `ISBN 978-${make.digits(1)}-${make.digits(2)}-${make.digits(6)}-${make.digits(1)}`,
      `ISSN ${make.digits(4)}-${make.digits(3)}X`,
      `doi:10.${make.int(1000, 9999)}/${make.int(1990, 2030)}.${make.chars(LOWER, 4)}-main.${make.int(1, 999)}`,
      `arXiv:${make.int(10, 25)}${make.padded(make.int(1, 12), 2)}.${make.digits(5)}v${make.int(1, 9)}`,
      `CAS ${make.digits(4)}-${make.digits(2)}-${make.digits(1)}`,
      `RFC ${make.int(1000, 9999)}, section ${make.int(1, 9)}.${make.int(1, 9)}.${make.int(1, 9)}.${make.int(1, 9)}`,
      `RAL ${make.digits(4)}, size ${make.int(100, 4000)}x${make.int(100, 4000)}`,
    ]),
  'code and mark-up': (make) =>
    make.of([
      `@media (min-width: ${make.int(1, 99)}.em)`,
      `git@host:${make.chars(LOWER, 5)}/${make.chars(LOWER, 6)}`,
      `#${make.chars(HEX, 6)}`,
      `x::int, $${make.int(1, 9)}::date`,
      `key = value${make.int(1, 99)}; primary key: id`,
      `token: word${make.int(2, 9)}vec, secret = love`,
      `password: ${make.of(['null', '****', 'the word that opens it', '$PASSWORD'])}`,
      `sk-learn-${make.chars(LOWER, 6)}-and-others`,
      `hf_${make.chars(LOWER, 8)}_${make.chars(LOWER, 5)}`,
      `glow-${make.chars(LOWER, 6)}-light-and-more-words`,
    ]),
  'numbers that fail their check': (make) => {
    // Of a card's form without its check digit, of an IBAN's with that of another.
    const head = `4${make.digits(14)}`;
    const sum = Array.from(head)
      .toReversed()
      .reduce((total, digit, at) => {
        const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
        return total + Math.floor(value / 10) + (value % 10);
      }, 0);
    const wrong = (10 - (sum % 10) + 3) % 10;
    return make.of([
      `${head}${wrong}`,
      `DE00${make.digits(18)}`,
      `ZZ${make.digits(20)}`,
      `000-${make.digits(2)}-${make.digits(4)}`,
      `${make.digits(3)}-00-${make.digits(4)}`,
    ]);
  },
  'hardware and networks': (make) =>
    make.of([
      Array.from({ length: 6 }, () => make.chars(HEX, 2)).join(':'),
      `eth${make.int(0, 9)}, port ${make.int(1024, 65535)}, VLAN ${make.int(1, 4094)}`,
      `Chrome/${make.int(80, 140)}.0.${make.int(4000, 7000)}.${make.int(256, 999)}`,
      `AS${make.digits(5)}, ${make.int(1, 400)} MHz, 0x${make.chars(HEX, 4)}`,
      `${make.chars(DIGITS, 3)}.${make.chars(DIGITS, 1)} V, ${make.int(1, 999)} mA`,
    ]),
  'words and prose': (make) =>
    make.of([
      'Donaudampfschifffahrtsgesellschaftskapitän and his ship',
      `they call ${make.int(1, 9)} times, a cell divides ${make.int(1, 9)},${make.digits(3)},${make.digits(3)} times`,
      'the password: the word that opens it; each token: a word or mark',
      `mobil ${make.int(10, 99)} ${make.int(10, 99)}, hotline of ${make.int(1990, 2030)}`,
      `follow @${make.chars(LOWER, 6)}.${make.chars(LOWER, 4)} or user at example dot com`,
      `P@${make.int(1, 9)} is 0.${make.digits(2)}; hits@${make.int(1, 99)}.The next sentence`,
    ]),
};
