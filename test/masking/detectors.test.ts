import { describe, expect, it } from 'vitest';
import { MASK_TYPES } from '../../src/config/options/mask.ts';
import { createMasker } from '../../src/masking/masker.ts';

const masker = createMasker({ types: MASK_TYPES, rules: [] });
const masked = (text: string): string => masker.mask(text).text;

/** Text in front of the value, value, text behind it. */
type Case = readonly [before: string, value: string, after: string];

// Put together here, so that no scanner takes this file for a leak.
const made = (...parts: string[]): string => parts.join('');

const FOUND: Record<(typeof MASK_TYPES)[number], readonly Case[]> = {
  email: [
    ['', 'ann@example.com', ''],
    ['Write to ', 'ann.lee@example.com', '. Thanks'],
    ['<', 'ann+lists@mail.example.co.uk', '>'],
    ['mailto:', 'ann_lee@example.org', '?subject=hi'],
    ['(', "o'neil@example.ie", '),'],
    ['"', 'ann@sub-domain.example.com', '"'],
    ['mail ', 'ann@163.com', '!'],
    ['', 'prénom.nom@univ-paris8.fr', ' et'],
    ['Kontakt: ', 'jürgen@müller.example', ';'],
    ['', '用户@例子.公司', ''],
    ['请写 ', 'li@example.com', '谢谢'],
    ['to ', 'ann@xn--bcher-kva.example', ','],
    ['to ', 'ANN@EXAMPLE.COM', ' now'],
    ['by ', '{ann,bob,cid.lee}@cs.example.edu', ' in'],
    ['by ', '"ann lee"@example.com', ' in'],
    ['at ', 'ann@[192.0.2.1]', ' in'],
    ['user=', 'ann@example.com', '&next=1'],
    ['', 'ann@mail_host.example.com', ','],
    ['', 'ann＠example.com', ' and'],
    ['?mail=', 'ann%40example.com', '&x'],
    ['', 'ann@example.com', '...'],
    ['', 'bounce-12-ann=example.org@lists.example.net'.slice(14), ' and'],
  ],
  phone: [
    ['', '+12125550123', ''],
    ['call ', '+1 212 555 0123', ' today'],
    ['(', '+49 30 1234567', ')'],
    ['Tel. ', '+44 (0)20 7946 0958', '.'],
    ['', '(+44) 20 7946 0958', ','],
    ['', '+33 1 42 68 53 00', ' 2020'],
    ['', '0044 20 7946 0958', ''],
    ['or ', '0049301234567', '.'],
    ['', '+1.2125550123', ' fax'],
    ['', '+91-98765-43210', ';'],
    ['', '+86 138 0013 8000', ' or'],
    ['', '(212) 555-0123', ' x'],
    ['', '212-555-0123', '.'],
    ['', '212.555.0123', ' or'],
    ['', '1-800-555-0199', ' (toll free)'],
    ['', '+1 555 555 0123', ' (fiction)'],
    ['', '(212) 555-0123 ext. 45', ', ask'],
    ['Telefon: ', '030 1234567', ' Berlin'],
    ['phone number is ', '212 555 0123', ', ask'],
    ['mobile ', '07911 123456', '.'],
    ['Tél : ', '01 42 68 53 00', ' Paris'],
    ['Mobil ', '0171 1234567', '.'],
    ['Mobil: ', '0171/1234567', ''],
    ['Cell: ', '212 555 0123', ''],
  ],
  card: [
    ['', '4111111111111111', ''],
    ['card ', '4111 1111 1111 1111', ' exp 12/30'],
    ['', '4111-1111-1111-1111', '.'],
    ['', '5555555555554444', ','],
    ['', '2223003122003222', ''],
    ['', '378282246310005', ''],
    ['', '3782 822463 10005', ' amex'],
    ['', '30569309025904', ''],
    ['', '3056 930902 5904', ''],
    ['', '6011111111111117', ''],
    ['', '3530111333300000', ''],
    ['', '6200000000000005', ''],
    ['', '4222222222222', ' (13)'],
    ['', '4111 1111 1111 1111', ' 123'],
    ['row,', '4111111111111111', ',737'],
    ['no:', '5105 1051 0510 5100', ';'],
    ['', '4111.1111.1111.1111', '.'],
    ['', '4111/1111/1111/1111', ' x'],
    ['', '4111_1111_1111_1111', ','],
    ['', '4111  1111  1111  1111', ''],
    ['', '4111--1111--1111--1111', ''],
    ['', '3782–822463–10005', ''],
  ],
  iban: [
    ['', 'DE89370400440532013000', ''],
    ['to ', 'DE89 3704 0044 0532 0130 00', ' and more'],
    ['', 'GB29NWBK60161331926819', '.'],
    ['', 'GB29 NWBK 6016 1331 9268 19', ','],
    ['', 'FR1420041010050500013M02606', ''],
    ['', 'CH9300762011623852957', ')'],
    ['', 'NL91ABNA0417164300', ' at'],
    ['', 'ES9121000418450200051332', ''],
    ['', 'IT60X0542811101000000123456', ''],
    ['', 'NO9386011117947', ''],
    ['', 'BE68539007547034', ''],
    ['', 'AT611904300234573201', ''],
    ['', 'MT84MALT011000012345MTLCAST001S', ''],
    ['IBAN:', 'PL61109010140000071219812874', ''],
    ['', 'SE45 5000 0000 0583 9825 7466', '\n'],
    ['', 'de89 3704 0044 0532 0130 00', ''],
    ['', 'DE89.3704.0044.0532.0130.00', '. Then'],
    ['', 'DE89  3704  0044  0532  0130  00', ''],
    ['', 'LC55 HEMM 0001 0001 0012 0012 0002 3015', ''],
  ],
  ip: [
    ['', '192.168.1.1', ''],
    ['from ', '10.0.0.1', '.'],
    ['http://', '120.92.208.22', ':7476/demo'],
    ['', '203.0.113.7', '/24'],
    ['', '255.255.255.255', ','],
    ['(', '8.8.8.8', ')'],
    ['', '10.0.0.1', '-10.x'],
    ['from ', '2001:db8::1', '.'],
    ['', '2001:0db8:85a3:0000:0000:8a2e:0370:7334', ' and'],
    ['', 'fe80::1%eth0', ' up'],
    ['[', '2001:db8::8a2e:370:7334', ']:443'],
    ['', '::1', ' is'],
    ['', '::ffff:192.0.2.128', ''],
    ['', '64:ff9b::192.0.2.33', ''],
    ['', 'fd12:3456:789a::', '/48'],
    ['', '2001:DB8::A', ':'],
  ],
  ssn: [
    ['', '123-45-6789', ''],
    ['SSN ', '001-01-0001', '.'],
    ['(', '899-99-9999', ')'],
    ['ssn:', '665-12-3456', ','],
    ['ssn=', '667-12-3456', ';'],
    ['\n', '219-09-9999', '\n'],
    ['', '123‑45‑6789', ' (hard dashes)'],
    ['', '123.45.6789', '.'],
    ['', '123 45 6789', ','],
    ['SSN: ', '123456789', ''],
  ],
  secret: [
    ['key ', made('AKIA', 'IOSFODNN7EXAMPLE'), '.'],
    ['', made('ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'), ''],
    ['', made('github_pat_', '11ABCDEFG0abcdefghijkl_mnop'), ''],
    ['', made('xoxb-', '123456789012-abcdefGHIJKL'), ' bot'],
    ['', made('sk_live_', '4eC39HqLyjWDarjtT1zdp7dc'), ''],
    ['', made('sk-proj-', 'abc123DEF456ghi789JKL'), ''],
    ['', made('AIza', 'SyA1234567890abcdefghijklmnopqrstuv'), ''],
    ['', made('glpat-', 'abcdefghij0123456789'), ''],
    ['', made('npm_', 'abcdefghijklmnopqrstuvwxyz0123456789'), ''],
    ['', made('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxMjM0In0', '.c2lnbmF0dXJlLWhlcmU'), ' end'],
    ['', made('-----BEGIN RSA PRIVATE', ' KEY-----\nMIIB\nq83v\n-----END RSA PRIVATE', ' KEY-----'), '\nand'],
    ['password=', 'hunter2', ' ok'],
    ['DB_PASSWORD: ', 'letmein', '\nnext'],
    ['"api_key": "', 'abcd-1234', '",'],
    ["secretKey => '", 'any thing at all', "'"],
    ['Authorization: Bearer ', 'abc123.def456', '\n'],
    ['token=', 'abc123def456', '&x'],
    ['Mot de passe\u00a0: ', 'soleil', '\n'],
    ['sent Bearer ', 'a1b2c3d4e5f6a7b8c9', ' to'],
    ['postgres://app:', 'pa55', '@db.internal/app'],
    ['commit ', '3f20b2ddb96d8c865e5f56f5566edf371214785f', ' says'],
    ['md5: ', '5aee3dac5e48d1ac3d279083212734c9', '.'],
    ['file/d/', '1cv5HuQhgFVizupFI40dzreemS2gMM498', '/view'],
    ['key ', 'wJ4lrXUtn9EMI/K7M3ENG+bPxR7iCYq2Lz8Kd1+w', ' used'],
  ],
};

describe.each(MASK_TYPES)('%s', (type) => {
  it.each(FOUND[type])('is found: %s⟦%s⟧%s', (before, value, after) => {
    const result = masker.mask(before + value + after);
    expect(result).toEqual({
      text: `${before}[${type.toUpperCase()}]${after}`,
      counts: { [type]: 1 },
    });
    // Alone as well, where no other detector could have taken it; and not where it was not asked for.
    expect(createMasker({ types: [type], rules: [] }).mask(before + value + after)).toEqual(result);
    const others = createMasker({ types: MASK_TYPES.filter((other) => other !== type), rules: [] });
    expect(others.mask(before + value + after).counts).not.toHaveProperty(type);
  });
});

describe('is left as it is', () => {
  it.each([
    // e-mail
    'a@b is no address, @ann neither, nor ann@',
    'follow @ann.lee, or medium.com/@ann.lee',
    'react@18.0.0-next.beta and lodash@4.17.21',
    'P@1 is 0.5; hits@10.The next sentence',
    'matrix A @ B.T',
    'user at example dot com',
    '@media (min-width: 3.em)',
    'git@host:path/to/repo',
    'ann@example.',
    'x @example.com',
    // phone
    'pages 123-130, 1234-1240 and 2010-2015',
    'ISBN 978-3-16-148410-0 and 0-306-40615-2, ISSN 2049-3630',
    'on 2020-01-02, 02.01.2020 and 1/2/2020 at 12:30:45',
    'doi:10.1000/182 and 10.18653/v1/2020.acl-main.703',
    'arXiv:2005.14165v4 [cs.CL]',
    'version 1.22.333, 3.14159265358979 and -0.1234567890123',
    '52.520008, 13.404954 and 40.712776 -74.005974',
    'x + 1234567 and +12 points, +0.5, +1234567',
    'improved by +1 000 000 000 rows',
    '1 200 300 400 people; 12,345,678,901',
    '212 555 0123 4567 are four counts',
    'tel 2020-01-02',
    'results 123-456-789 and 555-0123',
    'IDs 0000012345 and 00000000',
    '2016 2017 2018 2019 2020 2021',
    'grant 61-2020-555-1234-9',
    'order 100-200-3000',
    // card
    '4111111111111112 has a wrong check digit',
    '1234567812345670 has no issuer',
    '0.4111111111111111 is a fraction',
    'x4111111111111111 and 4111111111111111b',
    '4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1',
    '1700000000000 milliseconds',
    '9783161484100',
    '41111111111111111111111111',
    '2014 2015 2016 2017',
    '4111  1111 . 1111/1111',
    '4111.111111111111',
    '4.1111.1111.1111.11111',
    // iban
    'DE89370400440532013001 has wrong check digits',
    'DE8937040044053201300 is too short',
    'ZZ89370400440532013000 has no country',
    'XDE89370400440532013000',
    'IN 12 cases of 2000 and more we saw',
    'DE893.704.0044.0532.0130.00',
    'NO 15 BE 16 BI 27 DJ 27 DK 18',
    // ip
    'version 1.2.3.4 and v1.2.3.4 of 1.2.3.4.5',
    'section 4.1.2.3, §4.1.2.3 and Sec. 4.1.2.3',
    '256.1.1.1 and 1.2.3.400 and 01.02.03.04',
    'Chrome/90.0.4430.212',
    'at 12:30:45 and 1:2, Gen 1:1-2:3',
    'std::vector, a::b, dead::beef and ::c',
    'x::int, $1::date, 1::2',
    '00:1A:2B:3C:4D:5E is hardware',
    '1.2.3.4-beta',
    'python3.8.10.1',
    // ssn
    '000-12-3456, 666-12-3456, 900-12-3456 and 999-12-3456',
    '123-00-4567 and 123-45-0000',
    '123-45-67890 and 0123-45-6789',
    '1-123-45-6789-0',
    '123-45‑6789',
    'a123-45-6789',
    '2.123-45-6789',
    '123-4-56789',
    '1 123 45 6789 and 123 45 6789 1',
    '123.45 6789 and 1.123.45.6789',
    'serial number 123456789',
    // secret
    'the password: the word that opens it',
    'each token: a word or mark; a secret = love',
    'token: word2vec, token: covid-19, secret=santa2000',
    'password: null, password=true, password: ****',
    'password=$PASSWORD and password={{ password }}',
    'risk-averse and sk-learn and sk-something-made-of-words',
    'commit 3f20b2d, color #ff00aa',
    'id 123e4567-e89b-12d3-a456-426614174000',
    'Donaudampfschifffahrtsgesellschaftskapitän',
    'AbstractSingletonProxyFactoryBean2Implementation3',
    'https://example.com/a/long/path/of/Words/in2020/and/More3/of/them',
    'bearer of bad news',
    'the basic understanding of things',
    '12345678901234567890123456789012',
    'key = value; primary key: id',
    '-----BEGIN CERTIFICATE-----',
    'https://example.com:8080/a@b',
  ])('%s', (text) => {
    expect(masker.mask(text)).toEqual({ text, counts: {} });
  });
});

it('takes the more telling of two shapes', () => {
  expect(masked('password=ann@example.com')).toBe('password=[SECRET]');
  expect(masked('bounce-1aB2cD3eF4gH5iJ6kL7mN8oP9@example.com')).toBe('[EMAIL]');
  expect(masked('Tel. DE89 3704 0044 0532 0130 00')).toBe('Tel. [IBAN]');
  expect(masked('phone 123-45-6789')).toBe('phone [SSN]');
  expect(masked('postgres://app:pa55@192.168.1.1/app')).toBe('postgres://app:[SECRET]@[IP]/app');
});

it('masks a private key that was cut off to the end', () => {
  expect(masked(made('see -----BEGIN PRIVATE', ' KEY-----\nMIIB q83v'))).toBe('see [SECRET]');
});

it('masks a password of any length to its end', () => {
  expect(masked(`password=${'aB1!'.repeat(500)} after`)).toBe('password=[SECRET] after');
});
