/** What has to be masked: forms by type, and how one is made. Several are what stays in front, the value, and what stays behind. */

import { DIGITS, HEX, LOWER, UPPER, grouped, withIbanCheck, withLuhn, type Maker } from './maker.ts';

type Make = (make: Maker) => string | string[];

const FOURS = [4, 4, 4, 4, 4, 4, 4, 4];

/** Issuers' ranges and lengths, as their own documents give them. */
const CARDS: readonly (readonly [prefix: string, length: number])[] = [
  ['4', 16],
  ['51', 16],
  ['55', 16],
  ['2221', 16],
  ['2720', 16],
  ['34', 15],
  ['37', 15],
  ['6011', 16],
  ['65', 16],
  ['3528', 16],
  ['3589', 16],
  ['62', 16],
  ['36', 14],
];
const card = (make: Maker): string => {
  const [prefix, length] = make.of(CARDS);
  return withLuhn(prefix + make.digits(length - prefix.length - 1));
};
const printed = (make: Maker, gap: string): string => {
  const number = card(make);
  return grouped(number, number.length === 16 ? FOURS : [4, 6, 5], gap);
};

/** Of the registry of ISO 13616: n digits, a capitals, c either. */
const COUNTRIES: readonly (readonly [country: string, form: string])[] = [
  ['DE', 'n18'],
  ['FR', 'n10 c11 n2'],
  ['GB', 'a4 n14'],
  ['NL', 'a4 n10'],
  ['ES', 'n20'],
  ['IT', 'a1 n10 c12'],
  ['CH', 'n5 c12'],
  ['AT', 'n16'],
  ['BE', 'n12'],
  ['NO', 'n11'],
  ['PL', 'n24'],
  ['SE', 'n20'],
  ['MT', 'a4 n5 c18'],
];
const iban = (make: Maker): string => {
  const [country, form] = make.of(COUNTRIES);
  const own = form.split(' ').map((part) => {
    const alphabet = { n: DIGITS, a: UPPER }[part.charAt(0)] ?? UPPER + DIGITS;
    return make.chars(alphabet, Number(part.slice(1)));
  });
  return withIbanCheck(country, own.join(''));
};

const ssn = (make: Maker, gap: string): string => {
  const area = make.of([make.int(1, 665), make.int(667, 899)]);
  return [make.padded(area, 3), make.padded(make.int(1, 99), 2), make.padded(make.int(1, 9999), 4)].join(gap);
};

const name = (make: Maker): string =>
  `${make.chars(LOWER, make.int(2, 8))}${make.of(['', '.lee', '_k', '-o', '+news', '7'])}`;
const host = (make: Maker): string => make.chars(LOWER, make.int(3, 9));
const TOPS = ['com', 'org', 'de', 'co.uk', 'example', 'museum'];

/** North American numbers that are given out: area code and exchange of N and two digits, no N11. */
const american = (make: Maker): [string, string, string] => [
  make.of(['212', '415', '646', '303', '312', '206']),
  `${make.int(2, 9)}${make.int(2, 9)}${make.int(0, 9)}`,
  make.digits(4),
];
const national = (make: Maker): string =>
  make.of([
    `030 ${make.digits(7)}`,
    `0171/${make.digits(7)}`,
    `0${make.int(151, 179)}-${make.digits(8)}`,
    `01 ${make.digits(2)} ${make.digits(2)} ${make.digits(2)} ${make.digits(2)}`,
    `07${make.digits(3)} ${make.digits(6)}`,
    `(0${make.int(20, 99)}) ${make.digits(3)} ${make.digits(4)}`,
    `${make.int(6, 7)}${make.digits(2)} ${make.digits(3)} ${make.digits(3)}`,
  ]);

/** Values of this page alone, and put together here, so that no scanner takes this file for a leak. */
const SERVICES: readonly ((make: Maker) => string)[] = [
  (make) => `${make.of(['AKIA', 'ASIA'])}${make.chars(UPPER + '234567', 16)}`,
  (make) => `gh${make.of(['p', 'o', 'u', 's', 'r'])}_${make.key(36)}`,
  (make) => `gl${make.of(['pat', 'dt', 'rt', 'ptt', 'ft', 'agent'])}-${make.key(20)}`,
  (make) => `xox${make.of(['b', 'p', 'a'])}-${make.digits(12)}-${make.digits(12)}-${make.key(24)}`,
  (make) => `${make.of(['sk', 'rk'])}_live_${make.key(24)}`,
  (make) => `whsec_${make.key(32)}`,
  (make) => `sk-ant-api03-${make.key(60)}`,
  (make) => `AIza${make.key(35)}`,
  (make) => `GOCSPX-${make.key(28)}`,
  (make) => `hf_${make.chars(LOWER + UPPER, 34)}`,
  (make) => `npm_${make.key(36)}`,
  (make) => `SG.${make.key(22)}.${make.key(43)}`,
  (make) => `shpat_${make.chars(HEX, 32)}`,
  (make) => `${make.of(['AC', 'SK'])}${make.chars(HEX, 32)}`,
  (make) => `key-${make.chars(HEX, 32)}`,
  (make) => `${make.digits(9)}:AA${make.key(33)}`,
  (make) => `dop_v1_${make.chars(HEX, 64)}`,
  (make) => `dapi${make.chars(HEX, 32)}`,
  (make) => `hvs.${make.key(90)}`,
  (make) => `lin_api_${make.key(40)}`,
  (make) => `ntn_${make.key(46)}`,
  (make) => `figd_${make.key(40)}`,
  (make) => `sntrys_${make.key(60)}`,
  (make) => `glsa_${make.key(32)}_${make.chars(HEX, 8)}`,
  (make) => `dckr_pat_${make.key(27)}`,
  (make) => `PMAK-${make.chars(HEX, 24)}-${make.chars(HEX, 34)}`,
  (make) => `pul-${make.chars(HEX, 40)}`,
  (make) => `r8_${make.key(37)}`,
  (make) => `gsk_${make.key(52)}`,
  (make) => `rubygems_${make.chars(HEX, 48)}`,
  (make) => `NRAK-${make.chars(UPPER + DIGITS, 27)}`,
  (make) => `tskey-auth-${make.key(17)}-${make.key(32)}`,
  (make) => `sbp_${make.chars(HEX, 40)}`,
  (make) => `ATATT3xFfGF0${make.key(170)}`,
];

export const VALUES: Readonly<Record<string, Readonly<Record<string, Make>>>> = {
  email: {
    plain: (make) => `${name(make)}@${host(make)}.${make.of(TOPS)}`,
    '`_` in the domain': (make) => `${name(make)}@${host(make)}_${host(make)}.${make.of(TOPS)}`,
    'full width `＠`': (make) => `${name(make)}＠${host(make)}.${make.of(TOPS)}`,
    international: (make) =>
      `${name(make)}é@${make.of(['müller', '例子', 'пример'])}.${make.of(['de', 'org'])}`,
  },
  phone: {
    'with country code': (make) => {
      const [area, exchange, line] = american(make);
      return make.of([
        `+1 ${area} ${exchange} ${line}`,
        `+1${area}${exchange}${line}`,
        `001 ${area} ${exchange} ${line}`,
      ]);
    },
    'North American': (make) => {
      const [area, exchange, line] = american(make);
      return make.of([
        `(${area}) ${exchange}-${line}`,
        `${area}-${exchange}-${line}`,
        `${area}.${exchange}.${line}`,
      ]);
    },
    'national, behind a word': (make) => [
      make.of([
        'Tel. ',
        'Telefon: ',
        'Telefon ',
        'Mobil: ',
        'Mobil ',
        'Cell: ',
        'Cell phone ',
        'Fax: ',
        'Handy: ',
        'Tél. : ',
        'phone no. ',
        'Mobile: ',
        'Teléfono: ',
        'Telefonnummer: ',
        'Mobilnummer ',
        'Cel.: ',
        'GSM: ',
      ]),
      national(make),
    ],
  },
  card: {
    unbroken: card,
    'in groups, blanks or dashes': (make) => printed(make, make.of([' ', '-'])),
    'in groups, `.` `/` `_`': (make) => printed(make, make.of(['.', '/', '_'])),
    'in groups, double blanks or dashes, long dashes': (make) =>
      printed(make, make.of(['  ', '--', '–', '—', ' - ', '\u2009'])),
  },
  iban: {
    unbroken: iban,
    'in groups': (make) => grouped(iban(make), FOURS, make.of([' ', '-', '\u00a0'])),
    'with dots, double blanks': (make) => grouped(iban(make), FOURS, make.of(['.', '  ', ' . ', '_'])),
  },
  ssn: {
    'with dashes': (make) => ssn(make, '-'),
    'with dots or blanks': (make) => ssn(make, make.of(['.', ' '])),
    'behind its name': (make) => [make.of(['SSN: ', 'SSN ', 'social security number: ']), ssn(make, '')],
  },
  ip: {
    'version 4': (make) => Array.from({ length: 4 }, (_, at) => make.int(at === 0 ? 11 : 10, 255)).join('.'),
    'version 6': (make) =>
      Array.from({ length: 8 }, () => `${make.int(1, 9)}${make.chars(HEX, 3)}`).join(':'),
  },
  secret: {
    'keys of services': (make) => make.of(SERVICES)(make),
    'passwords by name': (make) => [
      make.of(['password=', 'DB_PASSWORD=', 'api_key: ', 'client_secret=', 'access_token=']),
      make.key(make.int(12, 30)),
    ],
    'passwords in URLs': (make) => [`postgres://${host(make)}:`, make.key(14), `@${host(make)}.internal/app`],
    'JSON web tokens': (make) => `eyJhbGciOiJIUzI1NiJ9.eyJ${make.key(40)}.${make.key(43)}`,
  },
};
